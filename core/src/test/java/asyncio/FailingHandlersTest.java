package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * Errors thrown by callbacks of the loop: handlers, factories, sources. They cause no hangs and leave nothing half
 * done.
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
            assertThat(log.messages())
                    .filteredOn(message -> message.contains("watchdog"))
                    .hasSize(3);
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

    /** A source that fails on its first cancellation. */
    private static final class Uncancellable extends Mono<Integer> {
        private @Nullable Throwable thrown;
        private boolean disposed;

        Uncancellable(Throwable thrown) {
            this.thrown = thrown;
        }

        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
            actual.onSubscribe(new AwaitedSubscription<Integer>() {
                @Override
                public boolean requestCancel(@Nullable String message) {
                    Throwable error = thrown;
                    thrown = null;
                    if (error != null) {
                        throw Misuse.<RuntimeException>sneaky(error);
                    }
                    actual.onError(new CancelledException(message));
                    return true;
                }

                @Override
                public void giveBack(@Nullable Integer value) {}

                @Override
                public void request(long n) {}

                @Override
                public void cancel() {
                    disposed = true;
                }
            });
        }
    }

    /** A task of a group fails while the group's body waits; another body's thread tells the group. */
    private static Task<Integer> groupThatMustCancel(Mono<Integer> source, Exception failure) {
        return createTask(TaskGroup.scopeBody(group -> {
            group.createTask(async(() -> {
                throw failure;
            }));
            return await(source);
        }));
    }

    @Test
    void aSourceThatCannotBeAskedToEndIsDisposedOf() throws Exception {
        IOException failure = new IOException("of a task");
        Uncancellable source = new Uncancellable(new IllegalStateException("of the source"));
        Asyncio.run(() -> {
            Task<Integer> group = groupThatMustCancel(source, failure);
            for (int i = 0; i < 10; i++) {
                await(sleep(Duration.ZERO)); // this thread runs internal entries
            }
            assertThat(group.exception())
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            e -> assertThat(e.exceptions()).containsExactly(failure));
        });
        assertThat(source.disposed).isTrue();
    }

    @Test
    void anErrorOfASourceEndsTheRunAndNotTheBodyOnWhoseThreadItIsAsked() {
        Error thrown = new AssertionError("of the source");
        Uncancellable source = new Uncancellable(thrown);
        AtomicInteger mine = new AtomicInteger();
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    groupThatMustCancel(source, new IOException("of a task"));
                    try {
                        while (true) {
                            await(sleep(Duration.ZERO));
                        }
                    } catch (AssertionError e) {
                        mine.incrementAndGet();
                    }
                }))
                .isSameAs(thrown);
        assertThat(mine).hasValue(0);
    }
}
