package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.runThreadsafe;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/**
 * Errors out of what the loop calls back: handlers, factories, sources. They hang nobody and leave nothing half done.
 */
@Timeout(60)
class FailingHandlersTest {
    private static final Duration LONG = Duration.ofHours(1);

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

    @Test
    void anErrorOfTheExceptionHandlerLeavesNoLoopHalfClosed() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        List<String> ended = new ArrayList<>();
        for (String name : List.of("one", "two")) {
            loop.createTask(async(() -> {
                try {
                    await(sleep(LONG));
                } finally {
                    ended.add(name);
                }
            }));
        }
        Task<?> mono = loop.createTask(Mono.never());
        Future<Object> future = loop.createFuture();
        future.subscribe(value -> {}, failure -> {
            throw new LinkageError("of a subscriber");
        });
        List<Throwable> told = new ArrayList<>();
        future.subscribe(value -> {}, told::add);
        loop.runUntilComplete(sleep(Duration.ofMillis(1)));
        Error thrown = new AssertionError("of the handler");
        loop.setExceptionHandler((self, what) -> {
            throw thrown;
        });
        future.cancel();
        assertThatThrownBy(loop::close).isSameAs(thrown);
        assertThat(loop.isClosed()).isTrue();
        assertThat(ended).containsExactlyInAnyOrder("one", "two");
        assertThat(mono.cancelled()).isTrue();
        assertThat(told).hasSize(1);
        assertThat(loop.netty().inEventLoop()).isFalse();
        assertThat(loop.netty().awaitTermination(1, TimeUnit.NANOSECONDS)).isTrue();
    }
}
