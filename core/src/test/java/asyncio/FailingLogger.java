package asyncio;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** A handler of the library's logger that throws while it is open; needs {@code -Dreactor.logging.fallback=JDK}. */
public final class FailingLogger extends Handler implements AutoCloseable {
    private final Logger logger = Logger.getLogger("asyncio");
    private final Supplier<? extends Throwable> failure;
    private final AtomicInteger calls = new AtomicInteger();

    public FailingLogger(Supplier<? extends Throwable> failure) {
        this.failure = failure;
        logger.addHandler(this);
    }

    /** The number of records it was given. */
    public int calls() {
        return calls.get();
    }

    @Override
    public void publish(LogRecord record) {
        calls.incrementAndGet();
        throw Misuse.<RuntimeException>sneaky(failure.get());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        logger.removeHandler(this);
    }
}
