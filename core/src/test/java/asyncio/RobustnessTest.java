package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.runThreadsafe;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.BodyThreads;
import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/** Cases that once hung, leaked or were reported twice. */
@Timeout(60)
class RobustnessTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    // ---- closing

    @Test
    void closeStartsNothingThatIsStillToStart() {
        List<String> ran = new ArrayList<>();
        EventLoop loop = EventLoop.newEventLoop();
        Task<Void> body = loop.createTask(async(() -> {
            ran.add("body");
        }));
        Task<Void> mono = loop.createTask(Mono.fromRunnable(() -> ran.add("mono")));
        loop.callSoon(() -> ran.add("callback"));
        try (LogCapture log = new LogCapture()) {
            loop.close();
            assertThat(log.messages()).hasSize(2);
        }
        assertThat(ran).isEmpty();
        assertThat(body.cancelled()).isTrue();
        assertThat(mono.cancelled()).isTrue();
    }

    @Test
    void closeTellsWhoeverSleeps() {
        EventLoop loop = EventLoop.newEventLoop();
        List<Throwable> told = new ArrayList<>();
        loop.callSoon(() -> sleep(LONG).subscribe(value -> {}, told::add));
        loop.stop();
        loop.runForever();
        loop.close();
        assertThat(told).hasSize(1);
        assertThat(told.get(0)).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }

    @Test
    void closeDisposesWhatBodiesAwait() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        List<String> disposed = new ArrayList<>();
        loop.createTask(async(() -> await(Mono.never().doOnCancel(() -> disposed.add("body's")))));
        loop.createTask(Mono.never().doOnCancel(() -> disposed.add("task's")));
        loop.runUntilComplete(sleep(Duration.ofMillis(1)));
        try (LogCapture log = new LogCapture()) {
            loop.close();
            assertThat(log.messages()).hasSize(2);
        }
        assertThat(disposed).containsExactlyInAnyOrder("body's", "task's");
    }

    @Test
    void closeEndsABodyThatCatchesEverything() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        Task<Void> stubborn = loop.createTask(async(() -> {
            while (true) {
                try {
                    await(sleep(LONG));
                } catch (Exception e) {
                    Thread.onSpinWait();
                }
            }
        }));
        loop.runUntilComplete(sleep(Duration.ofMillis(1)));
        try (LogCapture log = new LogCapture()) {
            loop.close();
            assertThat(log.messages()).hasSize(1);
        }
        assertThat(stubborn.exception()).isInstanceOf(Error.class).hasMessageContaining("closed");
    }

    @Test
    void runLetsAThreadFunctionUseTheLoopToTheEnd() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        List<Integer> results = new ArrayList<>();
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            createTask(toThread(() -> {
                started.countDown();
                results.add(runThreadsafe(
                                async(() -> {
                                    await(sleep(Duration.ofMillis(20)));
                                    return 1;
                                }),
                                loop)
                        .get());
            }));
            tick();
            started.await();
        });
        assertThat(results).hasSizeLessThanOrEqualTo(1); // cancelled or done, but run() has returned
    }

    @Test
    @DisplayName("LOOP-07 after a fatal error of main its stop does not end the clean-up of the other tasks")
    void fatalMainLetsOthersCleanUp() {
        List<String> order = new ArrayList<>();
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    createTask(async(() -> {
                        try {
                            await(sleep(LONG));
                        } finally {
                            await(sleep(Duration.ofMillis(5)));
                            order.add("cleaned up");
                        }
                    }));
                    tick();
                    throw new InternalError("fatal");
                }))
                .isInstanceOf(InternalError.class);
        assertThat(order).containsExactly("cleaned up");
    }

    @Test
    void anErrorOfASubscribeEndsTheTaskAndTheRun() throws Exception {
        Task<?>[] task = new Task<?>[1];
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    task[0] = createTask(Mono.defer(() -> {
                        throw new NoClassDefFoundError("x");
                    }));
                    await(sleep(LONG));
                }))
                .isInstanceOf(NoClassDefFoundError.class);
        assertThat(task[0].exception()).isInstanceOf(NoClassDefFoundError.class);
    }

    @Test
    void aShortProgramIsToldWhatItForgot() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                async(() -> "never");
                createTask(
                        async(() -> {
                            throw new java.io.IOException("lost");
                        }),
                        "lost");
                tick();
                tick();
            });
            assertThat(log.forgotten("lost")).contains("Task exception was never retrieved: task lost");
            String coroutine = "Coroutine async(...) made at asyncio.RobustnessTest";
            Collector.collectUntil(() -> !log.forgotten(coroutine).isEmpty());
            assertThat(log.forgotten(coroutine)).hasSize(1);
        }
    }

    @Test
    void aRefusedThreadCallDoesNotHoldVirtualTime() throws Exception {
        EventLoop loop = EventLoop.builder().clock(Ticker.newMockTicker()).build();
        loop.executor.shutDown();
        assertThatThrownBy(() -> loop.runUntilComplete(toThread(() -> 1))).isInstanceOf(IllegalStateException.class);
        loop.runUntilComplete(sleep(LONG)); // a held clock would never reach it
        loop.close();
    }

    @Test
    void aFinishedBodyIsNotHeldByTheThreadsOfItsLoop() throws Exception {
        Asyncio.run(() -> {
            java.lang.ref.WeakReference<Object> result =
                    new java.lang.ref.WeakReference<>(await(createTask(async(Object::new))));
            for (int i = 0; i < 100 && result.get() != null; i++) {
                System.gc();
                await(sleep(Duration.ofMillis(1)));
            }
            assertThat(result.get()).isNull();
        });
    }

    @Test
    void tasksThatGoOnAfterTheirCancellationAreNamed() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Runner runner = Runner.builder().loopFactory(VirtualTime::newLoop).build();
            runner.getLoop()
                    .createTask(
                            async(() -> {
                                for (boolean caught = false; !caught; ) {
                                    try {
                                        await(sleep(LONG));
                                    } catch (Exception e) {
                                        await(sleep(LONG));
                                        caught = true;
                                    }
                                }
                            }),
                            "stubborn");
            runner.run(sleep(Duration.ofSeconds(1)));
            runner.close();
            assertThat(log.messages()).hasSize(1);
            assertThat(log.messages().get(0)).contains("stubborn").contains("must rethrow CancelledException");
        }
    }

    // ---- cancelling

    @Test
    void everyWaiterIsToldThoughOneThrowsAnError() {
        Future<Integer> future = new Future<>();
        List<String> told = new ArrayList<>();
        future.addDoneCallback(done -> {
            throw new AssertionError("first");
        });
        future.addDoneCallback(done -> told.add("second"));
        future.subscribe(value -> told.add("third"));
        assertThatThrownBy(() -> future.setResult(1)).isInstanceOf(AssertionError.class);
        assertThat(told).containsExactly("second", "third");
    }

    @Test
    void aResultMayBeASubscriptionOfThisLibrary() throws Exception {
        Future<Subscription> future = new Future<>();
        new Future<String>().doOnSubscribe(future::setResult).subscribe();
        assertThat(future.done()).isTrue();
        assertThat(future.result()).isSameAs(future.block()).isInstanceOf(Subscription.class);
    }

    @Test
    void aSubscriptionCancelledTwiceCancelsTheTaskOnce() throws Exception {
        Asyncio.run(() -> {
            Future<String> ended = new Future<>();
            Subscription[] subscription = new Subscription[1];
            async(() -> {
                        try {
                            await(sleep(LONG));
                        } finally {
                            try {
                                tick();
                                tick();
                                ended.setResult("cleaned up, cancelling "
                                        + currentTask().cancelling());
                            } catch (CancelledException e) {
                                ended.setResult("cancelled again");
                            }
                        }
                    })
                    .subscribe(new BaseSubscriber<Void>() {
                        @Override
                        protected void hookOnSubscribe(Subscription s) {
                            subscription[0] = s;
                            s.request(1);
                        }
                    });
            tick();
            subscription[0].cancel();
            tick();
            subscription[0].cancel();
            assertThat(await(ended)).isEqualTo("cleaned up, cancelling 1");
        });
    }

    @Test
    void aValueWhoseSubscriberLeftBeforeTheSignalIsDiscarded() throws Exception {
        Asyncio.run(() -> {
            List<String> fate = new ArrayList<>();
            Subscription[] subscription = new Subscription[1];
            async(() -> "permit")
                    .doOnDiscard(Object.class, value -> fate.add("discarded " + value))
                    .subscribe(new BaseSubscriber<>() {
                        @Override
                        protected void hookOnSubscribe(Subscription s) {
                            subscription[0] = s;
                            s.request(1);
                        }

                        @Override
                        protected void hookOnNext(String value) {
                            fate.add("delivered");
                        }
                    });
            EventLoop.getRunningLoop().callSoon(() -> subscription[0].cancel()); // after the body, before its signal
            tick();
            tick();
            tick();
            assertThat(fate).containsExactly("discarded permit");
        });
    }

    @Test
    void nothingStartsBeforeARequest() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger runs = new AtomicInteger();
            for (Mono<Integer> mono : List.of(async(runs::incrementAndGet), toThread(runs::incrementAndGet))) {
                mono.subscribe(new BaseSubscriber<>() {
                    @Override
                    protected void hookOnSubscribe(Subscription s) {}
                });
            }
            tick();
            tick();
            assertThat(runs).hasValue(0);
        });
    }

    @Test
    void aFailingOrLateSubscriptionNeitherHangsNorLeaks() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> fails = createTask(async(() -> await(new Handmade(() -> {
                throw new IllegalStateException("cancel failed");
            }))));
            tick();
            fails.cancel();
            assertThatThrownBy(() -> await(fails)).isInstanceOf(CancelledException.class);

            List<String> late = new ArrayList<>();
            Handmade source = new Handmade(() -> late.add("cancelled"));
            source.late = true;
            Task<Integer> task = createTask(source);
            tick();
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            source.subscriber.onSubscribe(source);
            assertThat(late).containsExactly("cancelled");
            assertThat(source.requested).isFalse();
        });
    }

    private static final class Handmade extends Mono<Integer> implements Subscription {
        final Runnable onCancel;
        CoreSubscriber<? super Integer> subscriber;
        boolean late;
        boolean requested;

        Handmade(Runnable onCancel) {
            this.onCancel = onCancel;
        }

        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
            subscriber = actual;
            if (!late) {
                actual.onSubscribe(this);
            }
        }

        @Override
        public void request(long n) {
            requested = true;
        }

        @Override
        public void cancel() {
            onCancel.run();
        }
    }

    @Test
    void tasksThatAwaitEachOtherCanBePrintedAndCancelled() throws Exception {
        Asyncio.run(() -> {
            Task<?>[] ring = new Task<?>[3];
            for (int i = 0; i < 3; i++) {
                int next = (i + 1) % 3;
                ring[i] = createTask(async(() -> await(ring[next])), "ring-" + i);
            }
            tick();
            assertThat(ring[0]).hasToString("<Task pending wait_for=ring-1 name='ring-0'>");
            ring[0].cancel();
            for (Task<?> task : ring) {
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            }
        });
    }

    @Test
    @DisplayName("decision 13c under threads: what a source granted was used or given back, exactly once")
    void grantedValuesAreUsedOrGivenBack() throws Exception {
        AtomicInteger granted = new AtomicInteger();
        AtomicInteger returned = new AtomicInteger();
        int[] used = new int[1];
        int[] cancelled = new int[1];
        ExecutorService threads = Executors.newFixedThreadPool(2);
        Context discard = Operators.enableOnDiscard(Context.empty(), value -> returned.incrementAndGet());
        try {
            Asyncio.run(() -> {
                for (int i = 0; i < 4_000; i++) {
                    Granting source = new Granting(granted, returned);
                    Task<Integer> task = EventLoop.getRunningLoop()
                            .createTask(i % 2 == 0 ? source : async(() -> await(source)), null, discard);
                    tick();
                    int spins = i % 50;
                    java.util.concurrent.Future<?> grant = threads.submit(() -> {
                        spin(spins);
                        source.grant();
                    });
                    java.util.concurrent.Future<?> cancel = threads.submit(() -> {
                        spin(50 - spins);
                        task.cancel();
                    });
                    try {
                        await(task);
                        used[0]++;
                    } catch (CancelledException e) {
                        cancelled[0]++;
                    }
                    grant.get();
                    cancel.get();
                    tick();
                }
            });
        } finally {
            threads.shutdownNow();
        }
        assertThat(used[0] + returned.get()).isEqualTo(granted.get());
        assertThat(cancelled[0]).isPositive();
    }

    private static void spin(int times) {
        for (int i = 0; i < times * 20; i++) {
            Thread.onSpinWait();
        }
    }

    /** A source with one permit: granted, or cancelled before. */
    private static final class Granting extends Mono<Integer> implements AwaitedSubscription<Integer> {
        private final AtomicInteger granted;
        private final AtomicInteger returned;
        private final AtomicInteger state = new AtomicInteger();
        private volatile @Nullable CoreSubscriber<? super Integer> subscriber;

        Granting(AtomicInteger granted, AtomicInteger returned) {
            this.granted = granted;
            this.returned = returned;
        }

        @Override
        public void subscribe(CoreSubscriber<? super Integer> actual) {
            subscriber = actual;
            actual.onSubscribe(this);
        }

        void grant() {
            CoreSubscriber<? super Integer> subscriber = this.subscriber;
            if (subscriber != null && state.compareAndSet(0, 1)) {
                granted.incrementAndGet();
                subscriber.onNext(1);
                subscriber.onComplete();
            }
        }

        @Override
        public void request(long n) {}

        @Override
        public void cancel() {
            state.compareAndSet(0, 2);
        }

        @Override
        public boolean requestCancel(@Nullable String message) {
            CoreSubscriber<? super Integer> subscriber = this.subscriber;
            if (subscriber == null || !state.compareAndSet(0, 2)) {
                return false;
            }
            subscriber.onError(new CancelledException(message));
            return true;
        }

        @Override
        public void giveBack(@Nullable Integer value) {
            returned.incrementAndGet();
        }
    }

    // ---- running

    @Test
    void oneOfTwoThreadsRunsALoop() throws Exception {
        for (int i = 0; i < 200; i++) {
            EventLoop loop = EventLoop.newEventLoop();
            CyclicBarrier barrier = new CyclicBarrier(2);
            AtomicInteger refused = new AtomicInteger();
            CountDownLatch one = new CountDownLatch(1);
            Runnable run = () -> {
                try {
                    barrier.await();
                    loop.runForever();
                } catch (IllegalStateException e) {
                    refused.incrementAndGet();
                    one.countDown();
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            };
            List<Thread> threads = List.of(new Thread(run), new Thread(run));
            threads.forEach(Thread::start);
            one.await();
            loop.callSoonThreadsafe(loop::stop);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(refused).hasValue(1);
            loop.close();
        }
    }

    @Test
    void unboundedRecursionThatAwaitsEndsWithAnErrorNotAHang() throws Exception {
        for (int i = 0; i < (BodyThreads.VIRTUAL ? 1 : 5); i++) {
            assertThatThrownBy(() -> Asyncio.run(() -> {
                        EventLoop loop = EventLoop.getRunningLoop();
                        createTask(async(() -> {
                            while (true) {
                                loop.callSoon(() -> {});
                                tick();
                            }
                        }));
                        recurse(BodyThreads.VIRTUAL ? 2_000 : Integer.MAX_VALUE);
                    }))
                    .isInstanceOf(StackOverflowError.class);
        }
    }

    /** Recurses to a given depth and throws there, since the stack of a virtual thread may grow to gigabytes. */
    private static int recurse(int left) throws Exception {
        if (left == 0) {
            throw new StackOverflowError("deep enough");
        }
        tick();
        return 1 + recurse(left - 1);
    }

    @Test
    void bodiesAndThreadsHaveTheContextClassLoaderOfTheLoopsMaker() throws Exception {
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        ClassLoader mine = new ClassLoader(before) {};
        Thread.currentThread().setContextClassLoader(mine);
        try {
            Asyncio.run(() -> {
                assertThat(Thread.currentThread().getContextClassLoader()).isSameAs(mine);
                assertThat(await(toThread(() -> Thread.currentThread().getContextClassLoader())))
                        .isSameAs(mine);
                await(createTask(async(() -> Thread.currentThread().setContextClassLoader(null))));
                assertThat(await(createTask(async(() -> Thread.currentThread().getContextClassLoader()))))
                        .isSameAs(mine);
            });
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    @Test
    void aTimerCancelledBeforeItsAdditionArrivedIsNotAdded() throws Exception {
        EventLoop loop = EventLoop.builder().clock(Ticker.newMockTicker()).build();
        try {
            loop.callSoon(() -> {
                TimerHandle[] handle = new TimerHandle[1];
                Thread other = new Thread(() -> handle[0] = loop.callLater(LONG, () -> {}));
                other.start();
                try {
                    other.join();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                handle[0].cancel();
            });
            loop.runUntilComplete(sleep(Duration.ofSeconds(1)));
            assertThat(loop.core.timerCount()).isZero();
        } finally {
            loop.close();
        }
    }

    @Test
    void extremeDelaysNeitherOverflowNorHang() throws Exception {
        for (String transport : List.of("nio", "auto")) {
            EventLoop loop = EventLoop.builder().transport(transport).build();
            List<String> ran = new ArrayList<>();
            loop.callLater(Duration.ofSeconds(Long.MAX_VALUE), () -> ran.add("never"));
            loop.callLater(Duration.ofSeconds(Long.MIN_VALUE), () -> ran.add("long ago"));
            loop.callLater(Duration.ofNanos(Long.MIN_VALUE), () -> ran.add("nanos"));
            loop.callLater(Duration.ofMillis(1), loop::stop);
            loop.runForever();
            loop.close();
            assertThat(ran).containsExactlyInAnyOrder("long ago", "nanos");
        }
    }

    @Test
    void aWorkerDisposedMeanwhileRejectsOrRunsButNotBoth() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            for (int i = 0; i < 2_000; i++) {
                Scheduler.Worker worker = thread.loop.scheduler().createWorker();
                worker.dispose();
                AtomicInteger runs = new AtomicInteger();
                assertThatThrownBy(() -> worker.schedule(runs::incrementAndGet)).isInstanceOf(RuntimeException.class);
                CountDownLatch after = new CountDownLatch(1);
                thread.loop.callSoonThreadsafe(after::countDown);
                after.await();
                assertThat(runs).hasValue(0);
            }
        }
    }

    @Test
    void whoCancelsDoesNotLendItsThreadLocals() throws Exception {
        ThreadLocal<String> local = new ThreadLocal<>();
        List<String> seen = new ArrayList<>();
        Asyncio.run(() -> {
            local.set("secret");
            for (Mono<Object> mono : List.of(
                    Mono.never().doOnCancel(() -> seen.add("seen " + local.get())),
                    async(() -> await(Mono.never().doOnCancel(() -> seen.add("seen " + local.get())))))) {
                Task<Object> task = createTask(mono);
                tick();
                task.cancel();
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            }
        });
        assertThat(seen).containsExactly("seen null", "seen null");
    }
}
