package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

class ToThreadTest {
    @Test
    @DisplayName(
            "THR-01 LOOP-34 toThread returns the function's value, computed on another thread, where blocking is allowed")
    void value() throws Exception {
        Asyncio.run(() -> {
            Set<Thread> threads = ConcurrentHashMap.newKeySet();
            int result = await(toThread(() -> {
                threads.add(Thread.currentThread());
                assertThat(Schedulers.isInNonBlockingThread()).isFalse();
                return Mono.just(42).delayElement(Duration.ofMillis(1)).block();
            }));
            assertThat(result).isEqualTo(42);
            assertThat(threads).doesNotContain(Thread.currentThread());
        });
    }

    @Test
    @DisplayName("THR-02 its exception arrives as it was thrown")
    void exception() throws Exception {
        IOException thrown = new IOException("test");
        Asyncio.run(() -> {
            assertThatThrownBy(() -> await(toThread(() -> {
                        throw thrown;
                    })))
                    .isSameAs(thrown);
        });
    }

    @Test
    @DisplayName("THR-03 each call runs once; ten at a time all run")
    void onceAndConcurrently() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger calls = new AtomicInteger();
            List<Task<Integer>> tasks = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                tasks.add(createTask(toThread(calls::incrementAndGet)));
            }
            for (Task<Integer> task : tasks) {
                await(task);
            }
            assertThat(calls).hasValue(10);
        });
    }

    @Test
    @DisplayName("THR-05 THR-06 the caller's context is current in the thread, each call's its own")
    void context() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Task<Object>> tasks = new ArrayList<>();
            for (int precision : new int[] {3, 6}) {
                tasks.add(loop.createTask(
                        async(() -> {
                            Object inThread = await(
                                    toThread(() -> Asyncio.currentContext().get("precision")));
                            await(sleep(Duration.ZERO));
                            assertThat(Asyncio.currentContext().<Object>get("precision"))
                                    .isEqualTo(inThread);
                            return inThread;
                        }),
                        null,
                        Context.of("precision", precision)));
            }
            assertThat(await(tasks.get(0))).isEqualTo(3);
            assertThat(await(tasks.get(1))).isEqualTo(6);
            assertThat(await(toThread(() -> Asyncio.currentContext().isEmpty())))
                    .isTrue();
        });
    }

    @Test
    @DisplayName("THR-07 cancelling who awaits does not stop the thread: the function runs to its end")
    void cancelDoesNotStopTheThread() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        Asyncio.run(() -> {
            Task<Void> task = createTask(async(() -> {
                await(toThread(() -> {
                    started.countDown();
                    release.await();
                    ended.countDown();
                }));
            }));
            await(sleep(Duration.ZERO));
            started.await();
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(ended.getCount()).isEqualTo(1);
            release.countDown();
        });
        assertThat(ended.getCount()).as("run() joins its threads").isZero();
    }

    @Test
    @DisplayName("LOOP-35 a completion that comes after the loop was closed calls nobody back")
    void completionAfterClose() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        EventLoop loop = EventLoop.newEventLoop();
        List<Thread> threads = new ArrayList<>();
        loop.runUntilComplete(async(() -> {
            Task<Void> task = createTask(toThread(() -> {
                threads.add(Thread.currentThread());
                started.countDown();
                release.await();
            }));
            await(sleep(Duration.ZERO));
            started.await();
            task.cancel();
            await(sleep(Duration.ZERO));
        }));
        loop.close();
        try (LogCapture log = new LogCapture()) {
            release.countDown();
            threads.get(0).join();
            assertThat(log.messages()).isEmpty();
        }
    }

    @Test
    void aCallCancelledInTheQueueNeverBegins() throws Exception {
        AtomicInteger begun = new AtomicInteger();
        CountDownLatch release = new CountDownLatch(1);
        Asyncio.run(() -> {
            List<Task<Void>> blockers = new ArrayList<>();
            for (int i = 0; i < Math.min(32, Runtime.getRuntime().availableProcessors() + 4); i++) {
                blockers.add(createTask(toThread((Body) release::await)));
            }
            Task<Integer> queued = createTask(toThread(begun::incrementAndGet));
            await(sleep(Duration.ZERO));
            queued.cancel();
            assertThatThrownBy(() -> await(queued)).isInstanceOf(CancelledException.class);
            release.countDown();
            for (Task<Void> blocker : blockers) {
                await(blocker);
            }
            await(toThread(() -> {}));
        });
        assertThat(begun).hasValue(0);
    }

    @Test
    void holdsVirtualTime() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            CountDownLatch release = new CountDownLatch(1);
            List<String> order = new ArrayList<>();
            loop.callLater(Duration.ofHours(1), () -> order.add("timer"));
            Thread helper = new Thread(release::countDown);
            loop.callSoon(helper::start);
            await(toThread((Body) release::await));
            order.add("thread");
            await(sleep(Duration.ofHours(2)));
            assertThat(order).containsExactly("thread", "timer");
        });
    }

    @Test
    void worksWhereNoLoopRuns() {
        StepVerifier.create(toThread(() -> "x")).expectNext("x").verifyComplete();
        StepVerifier.create(toThread(() -> {})).verifyComplete();
    }

    /** A running function that returns only when allowed to, when its outcome has no waiter any more. */
    private static final class Late implements Callable<String> {
        final CountDownLatch started = new CountDownLatch(1);
        final CountDownLatch mayReturn = new CountDownLatch(1);
        final boolean fails;

        Late(boolean fails) {
            this.fails = fails;
        }

        @Override
        public String call() throws Exception {
            started.countDown();
            mayReturn.await();
            if (fails) {
                throw new IOException("late");
            }
            return "late";
        }

        void awaitStart() throws Exception {
            await(toThread(() -> assertThat(started.await(20, TimeUnit.SECONDS)).isTrue()));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatComesAfterTheCancellationIsDiscardedOrDropped(boolean fails) throws Exception {
        BlockingQueue<Object> lost = new LinkedBlockingQueue<>();
        Context hooks = Operators.enableOnDiscard(Context.empty(), lost::add)
                .put("reactor.onErrorDropped.local", (Consumer<Throwable>) error -> lost.add(error.getMessage()));
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Function<Late, Runnable>> ways = List.of(
                    late -> loop.createTask(toThread(late), null, hooks)::cancel,
                    late -> loop.createTask(toThread(late).map(x -> x), null, hooks)::cancel,
                    late -> loop.createTask(async(() -> await(toThread(late))), null, hooks)::cancel,
                    late -> loop.createTask(async(() -> await(toThread(late).map(x -> x))), null, hooks)::cancel,
                    late -> toThread(late).contextWrite(hooks).subscribe()::dispose,
                    late -> {
                        Future<?>[] future = new Future<?>[1];
                        loop.callSoon(() -> future[0] = loop.runInExecutor(null, late), hooks);
                        return () -> future[0].cancel();
                    });
            for (Function<Late, Runnable> way : ways) {
                Late late = new Late(fails);
                Runnable cancel = way.apply(late);
                late.awaitStart();
                cancel.run();
                await(sleep(Duration.ZERO));
                late.mayReturn.countDown();
                assertThat(await(toThread(() -> lost.poll(20, TimeUnit.SECONDS))))
                        .isEqualTo("late");
            }
        });
        assertThat(lost).isEmpty();
    }

    @Test
    void aValueThatComesInTheTickOfTheCancellationIsDiscarded() throws Exception {
        List<Object> discarded = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < 100; i++) {
                Task<String> task = loop.createTask(
                        async(() -> await(toThread(() -> "value"))),
                        null,
                        Operators.enableOnDiscard(Context.empty(), discarded::add));
                await(sleep(Duration.ZERO));
                while (!(task.awaits() instanceof Future<?> future) || !future.done()) {
                    await(sleep(Duration.ZERO));
                }
                task.cancel();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            }
        });
        assertThat(discarded).hasSize(100).containsOnly("value");
    }

    @Test
    void aFunctionThatReturnsAPublisherFails() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (Callable<Publisher<Integer>> function :
                    List.<Callable<Publisher<Integer>>>of(() -> async(() -> 42), () -> Flux.just(1), Future::new)) {
                for (Mono<?> call : List.<Mono<?>>of(
                        toThread(function),
                        createTask(toThread(function)),
                        loop.runInExecutor(null, function),
                        loop.runInExecutor(Runnable::run, function))) {
                    assertThatThrownBy(() -> await(call))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("did you forget await");
                }
            }
        });
    }
}
