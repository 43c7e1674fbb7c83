package asyncio;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.runThreadsafe;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

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

    @Test
    void aThreadHearsOfAnErrorOfTheTaskFactory() {
        Error thrown = new AssertionError("of the factory");
        EventLoop loop = EventLoop.newEventLoop();
        loop.setTaskFactory(new TaskFactory() {
            @Override
            public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
                throw thrown;
            }
        });
        CompletableFuture<?> run = runThreadsafe(Mono.just(1), loop);
        assertThatThrownBy(loop::runForever).isSameAs(thrown);
        assertThatThrownBy(run::join).hasCause(thrown);
        loop.close();
    }
}
