package asyncio.bridge;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.bridge.Cancellation.DETACH;
import static asyncio.bridge.Cancellation.PROPAGATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

/** Libraries and listeners with unexpected behaviour, and signals from the wrong thread. */
@Timeout(60)
@ExtendWith(LeakCheck.class)
class HostileCodeTest {
    private final Dropped dropped = new Dropped();

    @AfterEach
    void close() {
        dropped.close();
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    // ---- callbacks

    @Test
    @SuppressWarnings("NullAway") // the argument of a careless library
    void aFailureWithoutAnErrorIsAFailure() {
        for (Registration<String> registration : List.<Registration<String>>of(
                callback -> callback.failure(null),
                callback -> callback.<Object>asCompletionHandler().failed(null, null))) {
            StepVerifier.create(Callbacks.mono(registration))
                    .verifyErrorSatisfies(error -> assertThat(error)
                            .isInstanceOf(NullPointerException.class)
                            .hasMessageContaining("without an error"));
        }
        Future<String> future = new Future<>();
        Callbacks.of(future).failure(null);
        assertThat(future.exception()).isInstanceOf(NullPointerException.class);
    }

    @Test
    @SuppressWarnings("NullAway")
    void aHandleThatIsNullIsRefusedWhereItIsGiven() {
        StepVerifier.create(Callbacks.mono(callback -> callback.onCancel((Disposable) null)))
                .verifyError(NullPointerException.class);
        StepVerifier.create(Listeners.flux(Overflow.latest(), sink -> sink.onDispose((Disposable) null)))
                .verifyError(NullPointerException.class);
    }

    @Test
    void cleanUpsOfAFutureRunFromTheLastToTheFirstEvenIfOneThrows() {
        for (boolean atOnce : new boolean[] {false, true}) {
            List<Integer> log = new ArrayList<>();
            Future<String> future = new Future<>();
            Callback<String> callback = Callbacks.of(future);
            if (atOnce) {
                future.cancel();
            }
            callback.onDispose(() -> log.add(1), () -> log.add(2))
                    .onCancel(() -> {
                        log.add(3);
                        throw new AssertionError("dispose");
                    })
                    .onDispose(() -> log.add(4));
            future.cancel();
            if (atOnce) {
                assertThat(log).containsExactly(1, 2, 3, 4);
            } else {
                assertThat(log).containsExactly(4, 3, 2, 1);
            }
            assertThat(dropped.errors).singleElement().isInstanceOf(AssertionError.class);
            dropped.errors.clear();
        }
    }

    @Test
    void aCleanUpMayCallBackAndLeave() {
        AtomicReference<Callback<Integer>> given = new AtomicReference<>();
        List<Integer> got = new ArrayList<>();
        Disposable subscription = Callbacks.<Integer>mono(callback -> {
                    given.set(callback);
                    callback.onDispose(() -> callback.success(2), () -> callback.onDispose(() -> callback.success(3)));
                })
                .subscribe(got::add);
        given.get().success(1);
        assertThat(got).containsExactly(1);
        assertThat(dropped.values).containsExactly(3, 2);
        subscription.dispose();
    }

    // ---- listeners

    @Test
    void demandFromAnotherThreadIsMetOnTheLoop() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<EventLoop> seen = new CopyOnWriteArrayList<>();
            AtomicReference<Subscription> subscription = new AtomicReference<>();
            CompletableFuture<Void> three = new CompletableFuture<>();
            Listeners.<Integer>flux(Overflow.fail(8), sink -> {
                        seen.add(EventLoop.runningOrNull());
                        for (int i = 1; i <= 4; i++) {
                            sink.next(i);
                        }
                    })
                    .subscribe(new BaseSubscriber<>() {
                        @Override
                        protected void hookOnSubscribe(Subscription s) {
                            subscription.set(s);
                        }

                        @Override
                        protected void hookOnNext(Integer item) {
                            seen.add(EventLoop.runningOrNull());
                            if (item == 2) {
                                Schedulers.parallel()
                                        .schedule(() -> subscription.get().request(1));
                            } else if (item == 3) {
                                three.complete(null);
                            }
                        }
                    });
            Schedulers.parallel().schedule(() -> subscription.get().request(2));
            await(Asyncio.wrapFuture(three));
            assertThat(seen).containsExactly(loop, loop, loop, loop);
            subscription.get().cancel();
        });
    }

    /** An item that throws in {@code toString}. */
    private record Unprintable() {
        @Override
        public String toString() {
            throw new IllegalStateException("toString");
        }
    }

    @Test
    void itemsThatCannotBePrintedAreNotInTheWayOfAnybody() {
        AtomicReference<ListenerSink<Object>> sink = new AtomicReference<>();
        Disposable subscription = Listeners.<Object>flux(Overflow.fail(1), sink::set)
                .subscribeWith(new BaseSubscriber<>() {
                    @Override
                    protected void hookOnSubscribe(Subscription s) {
                        s.request(1);
                    }
                });
        for (int i = 0; i < 2; i++) {
            sink.get().next(new Unprintable());
        }
        List<CompletableFuture<Void>> putters = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            putters.add(sink.get().put(new Unprintable()).toFuture());
        }
        subscription.dispose();
        assertThat(putters).allSatisfy(putter -> assertThat(putter).isCompletedExceptionally());
    }

    @Test
    void aPushThatIsResumedFromAnotherThreadCallsItsListenerOnTheLoop() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<EventLoop> seen = new CopyOnWriteArrayList<>();
            Future<Void> end = new Future<>();
            AtomicReference<Push> push = new AtomicReference<>();
            push.set(Listeners.push(
                    Flux.range(0, 50),
                    item -> {
                        seen.add(EventLoop.runningOrNull());
                        push.get().pause();
                        Schedulers.parallel().schedule(push.get()::resume);
                    },
                    error -> {
                        seen.add(EventLoop.runningOrNull());
                        end.setResult(null);
                    }));
            push.get().pause();
            await(sleep(Duration.ofMillis(1))); // an item is held back
            Schedulers.parallel().schedule(push.get()::resume);
            await(end);
            assertThat(seen).hasSize(51).containsOnly(loop);
        });
    }

    @Test
    void aListenerThatThrowsDoesNotHideTheErrorOfTheSource() {
        TestPublisher<Integer> source = TestPublisher.create();
        List<Throwable> ends = new ArrayList<>();
        Listeners.push(
                source.flux(),
                item -> {
                    source.error(new IOException("the source's"));
                    throw new IllegalStateException("the listener's");
                },
                error -> ends.add(error));
        source.next(1);
        assertThat(ends).singleElement().asString().contains("the listener's");
        assertThat(ends.get(0).getSuppressed()).singleElement().asString().contains("the source's");
    }

    // ---- stages

    @Test
    void everyWayOfEndingAResultEarlyCancelsTheMono() throws Exception {
        List<Consumer<CompletableFuture<Integer>>> ways = List.of(
                result -> result.complete(1),
                result -> result.completeExceptionally(new IOException()),
                result -> result.cancel(false),
                result -> result.orTimeout(1, TimeUnit.MILLISECONDS),
                result -> result.completeOnTimeout(1, 1, TimeUnit.MILLISECONDS),
                result -> result.completeAsync(() -> 1),
                result -> result.completeAsync(
                        () -> {
                            throw new IllegalStateException();
                        },
                        Runnable::run));
        for (Consumer<CompletableFuture<Integer>> way : ways) {
            CountDownLatch cancelled = new CountDownLatch(1);
            CompletableFuture<Integer> result =
                    Futures.toCompletableFuture(Mono.<Integer>never().doOnCancel(cancelled::countDown), PROPAGATE);
            way.accept(result);
            assertThat(cancelled.await(10, TimeUnit.SECONDS))
                    .as("way %d", ways.indexOf(way))
                    .isTrue();
        }
    }

    // ---- blocking calls

    @Test
    void anErrorThatTheInterruptHasNotCausedIsNotSwallowed() throws Exception {
        for (boolean ours : new boolean[] {true, false}) {
            CountDownLatch started = new CountDownLatch(1);
            AtomicReference<Thread> worker = new AtomicReference<>();
            Disposable subscription = Blocking.mono(
                            () -> {
                                worker.set(Thread.currentThread());
                                started.countDown();
                                try {
                                    new CountDownLatch(1).await();
                                } catch (InterruptedException e) {
                                    throw ours
                                            ? new IllegalStateException("wrapped", e)
                                            : new IOException("rolling back failed");
                                }
                                return null;
                            },
                            PROPAGATE)
                    .subscribe();
            started.await();
            subscription.dispose();
            EventLoop.shutdownShared(Duration.ofSeconds(10)); // its executor starts no job and lets its threads end
            worker.get().join();
            if (ours) {
                assertThat(dropped.errors).isEmpty();
            } else {
                assertThat(dropped.errors).singleElement().isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void aStreamThatOpensAfterTheCancellationIsClosed() throws Exception {
        for (Cancellation cancellation : Cancellation.values()) {
            for (boolean reads : new boolean[] {true, false}) {
                CountDownLatch opening = new CountDownLatch(1);
                CountDownLatch mayOpen = new CountDownLatch(1);
                CountDownLatch closed = new CountDownLatch(1);
                Flux<byte[]> read = Blocking.read(
                        () -> {
                            opening.countDown();
                            awaitWhateverInterrupts(mayOpen);
                            return new ByteArrayInputStream(new byte[9]) {
                                @Override
                                public void close() {
                                    closed.countDown();
                                }
                            };
                        },
                        3,
                        cancellation);
                Mono<Void> write = Blocking.write(Flux.just(new byte[1]), () -> {
                    opening.countDown();
                    awaitWhateverInterrupts(mayOpen);
                    return new ByteArrayOutputStream() {
                        @Override
                        public void close() {
                            closed.countDown();
                        }
                    };
                });
                Disposable subscription = reads ? read.subscribe() : write.subscribe();
                opening.await();
                subscription.dispose();
                mayOpen.countDown();
                assertThat(closed.await(10, TimeUnit.SECONDS))
                        .as("reads: %s", reads)
                        .isTrue();
            }
        }
    }

    /** An opening that ignores interrupts, like that of a file. */
    private static void awaitWhateverInterrupts(CountDownLatch latch) {
        boolean interrupted = false;
        while (latch.getCount() > 0) {
            try {
                latch.await();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aTaskThatReadsGoesOnWhenTheStreamThatWasBeingOpenedIsClosed() throws Exception {
        CountDownLatch opening = new CountDownLatch(1);
        CountDownLatch mayOpen = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        Asyncio.run(() -> {
            Task<List<byte[]>> task = createTask(Blocking.read(
                            () -> {
                                opening.countDown();
                                mayOpen.await();
                                return new ByteArrayInputStream(new byte[9]) {
                                    @Override
                                    public void close() {
                                        closed.countDown();
                                    }
                                };
                            },
                            3,
                            DETACH)
                    .collectList());
            await(Blocking.mono(() -> opening.await(10, TimeUnit.SECONDS), DETACH));
            task.cancel();
            await(sleep(Duration.ofMillis(5)));
            assertThat(task.done()).isFalse();
            mayOpen.countDown();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(closed.getCount()).isZero();
        });
    }

    @Test
    void aFutureThatIsDoneNeedsNoThread() {
        Thread here = Thread.currentThread();
        AtomicReference<Thread> seen = new AtomicReference<>();
        StepVerifier.create(Blocking.future(
                                new java.util.concurrent.FutureTask<>(() -> 1) {
                                    {
                                        run();
                                    }
                                },
                                DETACH)
                        .doOnNext(value -> seen.set(Thread.currentThread())))
                .expectNext(1)
                .verifyComplete();
        assertThat(seen).hasValue(here);
    }

    // ---- the portal

    @Test
    void aPortalIsNotWaitedForOnItsOwnLoop() throws Exception {
        try (BlockingPortal portal = BlockingPortal.start()) {
            for (boolean body : new boolean[] {true, false}) {
                Mono<Integer> outer = body
                        ? async(() -> portal.call(Mono.just(1)))
                        : Mono.defer(() -> {
                            try {
                                return Mono.justOrEmpty(portal.call(Mono.just(1)));
                            } catch (Exception e) {
                                return Mono.error(e);
                            }
                        });
                assertThatThrownBy(() -> portal.call(outer))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("must not block");
                assertThatThrownBy(() -> portal.call(async(portal::close))).isInstanceOf(IllegalStateException.class);
            }
            assertThat(portal.call(Mono.just(2))).isEqualTo(2);
        }
    }

    @Test
    void aPortalToALoopThatIsClosedSaysSo() throws Exception {
        AtomicReference<BlockingPortal> portal = new AtomicReference<>();
        Asyncio.run(() -> portal.set(BlockingPortal.to(EventLoop.getRunningLoop())));
        assertThatThrownBy(() -> portal.get().call(Mono.just(1)))
                .isInstanceOf(RuntimeException.class)
                .hasMessageContaining("closed");
        portal.get().close();
    }

    @Test
    void anErrorOfACallIsNotWrapped() {
        try (BlockingPortal portal = BlockingPortal.start()) {
            assertThatThrownBy(() -> portal.call(() -> {
                        throw new TimeoutException("x");
                    }))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("x");
            assertThatThrownBy(() -> portal.call(Mono.error(new AssertionError("y"))))
                    .isInstanceOf(AssertionError.class);
        }
    }
}
