package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.generate;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** The contract of {@code generate}: demand, the end, cancellation. */
@Timeout(60)
class GenerateTest {
    private static final Duration LONG = Duration.ofHours(1);

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    /** Requests as many items as it is told to, and records the signals. */
    static final class Taker<T> extends BaseSubscriber<T> {
        final List<Object> seen;

        Taker(List<Object> seen) {
            this.seen = seen;
        }

        @Override
        protected void hookOnSubscribe(Subscription subscription) {}

        @Override
        protected void hookOnNext(T value) {
            seen.add(value);
        }

        @Override
        protected void hookOnError(Throwable error) {
            seen.add(error);
        }

        @Override
        protected void hookOnComplete() {
            seen.add("complete");
        }
    }

    private static Flux<Integer> counting(List<Object> trail, int n) {
        return generate(emitter -> {
            trail.add("begin");
            try {
                for (int i = 0; i < n; i++) {
                    trail.add("before " + i);
                    await(emitter.emit(i));
                    trail.add("after " + i);
                }
            } finally {
                trail.add("finally");
                await(sleep(Duration.ofSeconds(1)));
                trail.add("clean");
            }
        });
    }

    private static void tick() throws Exception {
        for (int i = 0; i < 5; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    // ---- demand

    @Test
    @DisplayName("the body runs to its next emit when an item is wanted, and no further (CPython: asend)")
    void theBodyRunsOnDemand() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Taker<Integer> taker = new Taker<>(trail);
            counting(trail, 2).subscribe(taker);
            tick();
            assertThat(trail).as("without a request").isEmpty();
            taker.request(1);
            tick();
            assertThat(trail).containsExactly("begin", "before 0", 0);
            taker.request(1);
            tick();
            assertThat(trail.subList(3, trail.size())).containsExactly("after 0", "before 1", 1);
            taker.request(1);
            await(sleep(Duration.ofSeconds(2)));
            assertThat(trail.subList(6, trail.size())).containsExactly("after 1", "finally", "clean", "complete");
        });
    }

    @Test
    void nothingHappensWithoutASubscriptionAndEachRunsTheBodyAnew() throws Exception {
        List<Object> trail = new ArrayList<>();
        Asyncio.run(() -> {
            AtomicInteger runs = new AtomicInteger();
            Flux<Integer> numbers = generate(emitter -> await(emitter.emit(runs.incrementAndGet())));
            tick();
            assertThat(runs).hasValue(0);
            trail.add(await(numbers.collectList()));
            trail.add(await(numbers.collectList()));
        });
        assertThat(trail).containsExactly(List.of(1), List.of(2));
    }

    @Test
    void aSubscriberThatAsksInOnNextCostsNoStack() throws Exception {
        int n = 200_000;
        AtomicInteger last = new AtomicInteger();
        Asyncio.run(() -> {
            Future<Void> over = new Future<>();
            Asyncio.<Integer>generate(emitter -> {
                        for (int i = 1; i <= n; i++) {
                            await(emitter.emit(i));
                        }
                    })
                    .subscribe(new BaseSubscriber<>() {
                        @Override
                        protected void hookOnSubscribe(Subscription subscription) {
                            request(1);
                        }

                        @Override
                        protected void hookOnNext(Integer value) {
                            last.set(value);
                            request(1);
                        }

                        @Override
                        protected void hookOnComplete() {
                            over.setResult(null);
                        }
                    });
            await(over);
        });
        assertThat(last).hasValue(n);
    }

    /** reactor-core PR 2884: concurrent requests of {@code Flux.generate} were miscounted, and it hung. */
    @Test
    void requestsOfManyThreadsAreAllAnswered() throws Exception {
        int threads = 4;
        int each = 5_000;
        List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch over = new CountDownLatch(threads * each);
        BaseSubscriber<Integer> taker = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(Integer value) {
                seen.add(value);
                over.countDown();
            }
        };
        Asyncio.<Integer>generate(emitter -> {
                    for (int i = 0; ; i++) {
                        await(emitter.emit(i));
                    }
                })
                .subscribe(taker);
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            Thread thread = new Thread(() -> {
                for (int i = 0; i < each; i++) {
                    taker.request(1);
                }
            });
            all.add(thread);
            thread.start();
        }
        for (Thread thread : all) {
            thread.join();
        }
        assertThat(over.await(30, TimeUnit.SECONDS)).isTrue();
        taker.cancel();
        assertThat(seen).hasSize(threads * each).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void itemsGoThroughOtherThreadsWithTheirDemand() {
        int n = 20_000;
        AtomicInteger ahead = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        List<Integer> seen = Asyncio.<Integer>generate(emitter -> {
                    for (int i = 0; i < n; i++) {
                        most.accumulateAndGet(ahead.incrementAndGet(), Math::max);
                        await(emitter.emit(i));
                    }
                })
                .publishOn(Schedulers.parallel(), 1)
                .doOnNext(i -> ahead.decrementAndGet())
                .collectList()
                .block();
        assertThat(seen).hasSize(n).isSorted();
        assertThat(most.get()).as("in the buffer of publishOn, and at emit").isLessThanOrEqualTo(2);
    }

    @Test
    void theBodyMayWaitBetweenItems() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Flux<Duration> ticks = generate(emitter -> {
                for (int i = 0; i < 3; i++) {
                    await(sleep(Duration.ofHours(1)));
                    await(emitter.emit(loop.time().minus(start)));
                }
            });
            assertThat(await(ticks.collectList())).extracting(Duration::toHours).containsExactly(1L, 2L, 3L);
        });
    }

    // ---- the end

    @Test
    void anErrorOfTheBodyComesAfterItsItemsAsItIs() throws Exception {
        VirtualTime.run(() -> {
            IOException oops = new IOException("oops");
            List<Object> seen = new ArrayList<>();
            Flux<Integer> flux = generate(emitter -> {
                await(emitter.emit(1));
                throw oops;
            });
            assertThat(catchThrowable(() -> await(flux.doOnNext(seen::add).then())))
                    .isSameAs(oops);
            assertThat(seen).containsExactly(1);
        });
    }

    @Test
    void aBodyThatEmitsNothingCompletesEmpty() throws Exception {
        assertThat(Asyncio.<Integer>run(Asyncio.<Integer>generate(emitter -> {}).next()))
                .isNull();
    }

    @Test
    void theContextIsTheSubscribers() throws Exception {
        Flux<String> flux =
                generate(emitter -> await(emitter.emit(Asyncio.currentContext().get("user"))));
        assertThat(Asyncio.run(flux.contextWrite(Context.of("user", "ada")).next()))
                .isEqualTo("ada");
    }

    @Test
    void aSubscriberThatThrowsEndsTheBodyWhichCleansUp() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            IllegalStateException oops = new IllegalStateException("oops");
            Future<Throwable> error = new Future<>();
            counting(trail, 3).subscribe(new reactor.core.CoreSubscriber<>() {
                @Override
                public void onSubscribe(Subscription subscription) {
                    subscription.request(10);
                }

                @Override
                public void onNext(Integer value) {
                    throw oops;
                }

                @Override
                public void onError(Throwable e) {
                    error.setResult(e);
                }

                @Override
                public void onComplete() {}
            });
            assertThat(await(error)).isSameAs(oops);
            assertThat(trail).containsExactly("begin", "before 0", "finally", "clean");
        });
    }

    @Test
    void anAwaitInAnOperatorBehindItIsRefused() throws Exception {
        Flux<Integer> flux = generate(emitter -> await(emitter.emit(1)));
        assertThatThrownBy(() -> Asyncio.run(flux.map(i -> {
                            try {
                                return await(sleep(Duration.ZERO, i));
                            } catch (Exception e) {
                                throw new IllegalStateException(e);
                            }
                        })
                        .then()))
                .rootCause()
                .hasMessageContaining("await inside an operator's lambda");
    }

    // ---- cancellation

    @Test
    @DisplayName("cancelling is delivered at emit; finally blocks await, and are waited for through operators")
    void cancellingIsDeliveredAtEmitAndWaitedFor() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            assertThat(await(counting(trail, 5).filter(i -> true).take(2).collectList()))
                    .containsExactly(0, 1);
            assertThat(trail).containsExactly("begin", "before 0", "after 0", "before 1", "finally", "clean");
        });
    }

    @Test
    void aTaskThatIsCancelledWaitsForTheCleanUpOfTheBody() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Task<Void> task =
                    createTask(counting(trail, 2).concatMap(i -> sleep(LONG)).then());
            await(sleep(Duration.ofSeconds(1)));
            assertThat(task.cancel()).isTrue();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(trail).endsWith("finally", "clean");
        });
    }

    /** CPython #76707: an asynchronous generator that was closed while it ran elsewhere did not notice. */
    @Test
    void aBodyThatWaitsForSomethingElseIsCancelledThere() throws Exception {
        VirtualTime.run(() -> {
            AtomicReference<Throwable> seen = new AtomicReference<>();
            Taker<Integer> taker = new Taker<>(new ArrayList<>());
            Asyncio.<Integer>generate(emitter -> {
                        try {
                            await(sleep(LONG));
                        } catch (CancelledException e) {
                            seen.set(e);
                            throw e;
                        }
                    })
                    .subscribe(taker);
            taker.request(1);
            await(sleep(Duration.ofSeconds(1)));
            taker.cancel();
            tick();
            assertThat(seen.get()).hasMessage("The subscription was cancelled");
            assertThat(taker.seen).isEmpty();
            assertThat(Asyncio.allTasks()).hasSize(1);
        });
    }

    /** CPython #79590: an await in a finally block was cancelled again while a generator was closed. */
    @Test
    void aBodyIsCancelledOnceHoweverItHearsOfIt() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            BaseSubscriber<Integer> cancelsInOnNext = new BaseSubscriber<>() {
                @Override
                protected void hookOnNext(Integer value) {
                    cancel();
                }
            };
            Asyncio.<Integer>generate(emitter -> {
                        try {
                            await(emitter.emit(1));
                        } finally {
                            trail.add("finally");
                            await(sleep(Duration.ofSeconds(1)));
                            trail.add("clean");
                        }
                    })
                    .subscribe(cancelsInOnNext);
            await(sleep(Duration.ofSeconds(2)));
            assertThat(trail).containsExactly("finally", "clean");
        });
    }

    /** CPython #83787: closing a generator that was closed, or had ended, was an error. */
    @Test
    void cancellingTwiceAndAfterTheEndDoesNothing() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Taker<Integer> taker = new Taker<>(trail);
            counting(trail, 1).subscribe(taker);
            taker.request(5);
            await(sleep(Duration.ofSeconds(5)));
            assertThat(trail).endsWith("clean", "complete");
            taker.cancel();
            taker.cancel();
            taker.request(1);
            await(sleep(Duration.ofSeconds(5)));
            assertThat(trail).endsWith("clean", "complete");

            trail.clear();
            Taker<Integer> other = new Taker<>(trail);
            counting(trail, 1).subscribe(other);
            other.request(1);
            tick();
            other.cancel();
            other.cancel();
            other.request(1);
            await(sleep(Duration.ofSeconds(5)));
            assertThat(trail).containsExactly("begin", "before 0", 0, "finally", "clean");
        });
    }

    @Test
    void aBodyThatIsCancelledBeforeItsFirstStepNeverBegins() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Taker<Integer> taker = new Taker<>(trail);
            counting(trail, 1).subscribe(taker);
            taker.request(1);
            taker.cancel();
            tick();
            assertThat(trail).isEmpty();
            assertThat(Asyncio.allTasks()).hasSize(1);
        });
    }

    @Test
    @DisplayName(
            "a body that goes on emitting is told each time, and ended in the end (CPython: ignored GeneratorExit)")
    void aBodyThatGoesOnEmittingIsEnded() throws Exception {
        VirtualTime.run(() -> {
            List<Object> discarded = new ArrayList<>();
            List<Object> dropped = new ArrayList<>();
            Taker<Integer> taker = new Taker<>(new ArrayList<>());
            AtomicInteger told = new AtomicInteger();
            Asyncio.<Integer>generate(emitter -> {
                        for (int i = 0; ; i++) {
                            try {
                                await(emitter.emit(i));
                            } catch (CancelledException e) {
                                told.incrementAndGet();
                            }
                        }
                    })
                    .contextWrite(Operators.enableOnDiscard(Context.empty(), discarded::add))
                    .contextWrite(Context.of(
                            "reactor.onErrorDropped.local", (java.util.function.Consumer<Throwable>) dropped::add))
                    .subscribe(taker);
            taker.request(2);
            tick();
            taker.cancel();
            tick();
            assertThat(taker.seen).containsExactly(0, 1);
            assertThat(told.get()).isEqualTo(101);
            assertThat(discarded).as("what it emitted in vain").hasSize(101).startsWith(2, 3, 4);
            assertThat(dropped)
                    .singleElement()
                    .isInstanceOf(Error.class)
                    .asString()
                    .contains("keeps emitting");
        });
    }

    // ---- emit

    @Test
    void emitIsAMonoForOperatorsToo() throws Exception {
        VirtualTime.run(() -> {
            Flux<Integer> flux = generate(emitter -> {
                await(emitter.emit(1).then(sleep(Duration.ofSeconds(1))).then(emitter.emit(2)));
                await(Flux.range(3, 3).concatMap(emitter::emit).then());
                await(createTask(emitter.emit(6)));
            });
            assertThat(await(flux.limitRate(1).collectList())).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(await(flux.take(4).collectList())).containsExactly(1, 2, 3, 4);
        });
    }

    @Test
    void anEmitThatIsCutOffRunsAheadOfNobody() throws Exception {
        VirtualTime.run(() -> {
            List<Object> seen = new ArrayList<>();
            List<Object> discarded = new ArrayList<>();
            Taker<Integer> taker = new Taker<>(seen);
            Asyncio.<Integer>generate(emitter -> {
                        for (int i = 0; i < 4; i++) {
                            try {
                                await(waitFor(emitter.emit(i), Duration.ofSeconds(10)));
                            } catch (java.util.concurrent.TimeoutException e) {
                                seen.add("slow " + i);
                            }
                        }
                    })
                    .contextWrite(Operators.enableOnDiscard(Context.empty(), discarded::add))
                    .subscribe(taker);
            taker.request(1);
            await(sleep(Duration.ofSeconds(25)));
            assertThat(seen).as("delivered once, then without demand").containsExactly(0, "slow 0", "slow 1");
            assertThat(discarded).containsExactly(1);
            taker.request(5);
            tick();
            assertThat(seen).endsWith("slow 1", 2, 3, "complete");
        });
    }

    @Test
    void misusedEmitsAreRefused() throws Exception {
        VirtualTime.run(() -> {
            AtomicReference<Emitter<Integer>> leaked = new AtomicReference<>();
            List<Throwable> errors = new ArrayList<>();
            Flux<Integer> flux = generate(emitter -> {
                leaked.set(emitter);
                errors.add(catchThrowable(() -> emitter.emit(null)));
                errors.add(catchThrowable(() -> await(emitter.emit(1).subscribeOn(Schedulers.boundedElastic()))));
                Task<Void> two = createTask(emitter.emit(2));
                Task<Void> three = createTask(emitter.emit(3));
                await(two);
                errors.add(catchThrowable(() -> await(three)));
            });
            Taker<Integer> taker = new Taker<>(new ArrayList<>());
            Future<Void> first = new Future<>();
            flux.doOnNext(i -> first.setResult(null)).subscribe(taker);
            taker.request(1);
            await(first);
            tick();
            taker.request(1);
            tick();
            assertThat(taker.seen).containsExactly(2, "complete");
            errors.add(catchThrowable(() -> await(leaked.get().emit(4))));
            assertThat(errors.get(0)).isInstanceOf(NullPointerException.class);
            assertThat(errors.get(1)).isInstanceOf(IllegalStateException.class).hasMessageContaining("emit on thread");
            assertThat(errors.get(2))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("emits one item at a time");
            assertThat(errors.get(3)).isInstanceOf(IllegalStateException.class).hasMessageContaining("has returned");
        });
        assertThatThrownBy(() -> generate(null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void anEmitThatTheBodyDidNotWaitForFailsAtItsEnd() throws Exception {
        VirtualTime.run(() -> {
            AtomicReference<Throwable> error = new AtomicReference<>();
            Taker<Integer> taker = new Taker<>(new ArrayList<>());
            Asyncio.<Integer>generate(emitter -> emitter.emit(1).subscribe(null, error::set))
                    .subscribe(taker);
            taker.request(1);
            tick();
            assertThat(taker.seen).containsExactly(1, "complete");
            assertThat(error.get()).hasMessageContaining("after the body of the generator has returned");
        });
    }

    /** PEP 789, trio #264: a time limit around a yield cancelled the consumer, in the middle of something else. */
    @Test
    void aTimeLimitAroundAnEmitIsTheBodysAlone() throws Exception {
        VirtualTime.run(() -> {
            List<Object> trail = new ArrayList<>();
            Flux<Integer> flux = generate(emitter -> {
                try {
                    await(asyncio.Timeout.scopeBody(Duration.ofSeconds(1), timeout -> await(emitter.emit(1))));
                } catch (java.util.concurrent.TimeoutException e) {
                    trail.add("body timed out");
                }
            });
            await(flux.concatMap(i -> sleep(Duration.ofSeconds(10)).doOnTerminate(() -> trail.add("consumed")), 0)
                    .then());
            assertThat(trail).containsExactly("body timed out", "consumed");
        });
    }

    /** PEP 789, trio #638: a failing child of a group around a yield went unnoticed, or hit the consumer. */
    @Test
    void aTaskGroupAroundAnEmitIsTheBodysAlone() throws Exception {
        VirtualTime.run(() -> {
            IOException oops = new IOException("oops");
            List<Object> trail = new ArrayList<>();
            Flux<Integer> flux = generate(emitter -> await(TaskGroup.scopeBody(group -> {
                group.createTask(sleep(Duration.ofSeconds(1)).then(Mono.error(oops)));
                for (int i = 0; ; i++) {
                    await(emitter.emit(i));
                }
            })));
            Task<Void> consumer = createTask(flux.concatMapDelayError(
                            i -> async(() -> {
                                await(sleep(Duration.ofSeconds(10)));
                                trail.add("consumed " + i);
                            }),
                            0)
                    .then());
            assertThatThrownBy(() -> await(consumer))
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            group -> assertThat(group.exceptions()).containsExactly(oops));
            assertThat(trail).containsExactly("consumed 0");
            assertThat(consumer.cancelling()).isZero();
        });
    }
}
