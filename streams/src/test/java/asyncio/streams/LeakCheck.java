package asyncio.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test class that leaked a Netty buffer; needs {@code -Dio.netty.leakDetection.level=paranoid}. */
public final class LeakCheck extends Handler implements BeforeAllCallback, AfterAllCallback {
    private final Logger logger = Logger.getLogger(ResourceLeakDetector.class.getName());
    private final List<String> leaks = new CopyOnWriteArrayList<>();

    @Override
    public void beforeAll(ExtensionContext context) {
        assertThat(ResourceLeakDetector.getLevel()).isEqualTo(ResourceLeakDetector.Level.PARANOID);
        logger.addHandler(this);
    }

    @Override
    public void afterAll(ExtensionContext context) throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            collectGarbage();
            ByteBufAllocator.DEFAULT.directBuffer(16).release(); // makes the detector check the collected buffers
        }
        logger.removeHandler(this);
        assertThat(leaks).isEmpty();
    }

    /**
     * Returns when the JVM has enqueued the reference to a canary that has just become unreachable; after the next
     * call, everything that became unreachable with it is enqueued, too.
     */
    static void collectGarbage() throws InterruptedException {
        ReferenceQueue<Object> dead = new ReferenceQueue<>();
        PhantomReference<Object> canary = new PhantomReference<>(new Object(), dead);
        do {
            System.gc();
        } while (dead.remove(100) != canary);
    }

    @Override
    public void publish(LogRecord entry) {
        leaks.add(entry.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
