package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Errors out of what the loop calls back: handlers, factories, sources. They hang nobody and leave nothing half done. */
@Timeout(60)
class FailingHandlersTest {
    @Test
    void theWatchdogOutlivesAnErrorOfAnExceptionHandler() throws Exception {
        EventLoop idle = EventLoop.newEventLoop();
        AtomicInteger told = new AtomicInteger();
        idle.setExceptionHandler((loop, what) -> {
            told.incrementAndGet();
            throw new AssertionError("of the handler");
        });
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                for (int i = 1; i <= 3; i++) {
                    idle.createFuture().setException(new IOException("nobody asks for"));
                    while (told.get() < i) {
                        System.gc();
                        await(sleep(Duration.ofMillis(20)));
                    }
                }
            });
            assertThat(log.messages()).hasSize(3).allMatch(message -> message.contains("watchdog"));
        } finally {
            idle.close();
        }
    }
}
