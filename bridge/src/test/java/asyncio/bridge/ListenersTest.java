package asyncio.bridge;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Exceptions;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.util.context.Context;

/** Listeners to Fluxes, and Fluxes to listeners. */
@ExtendWith(LeakCheck.class)
class ListenersTest {
    private final Dropped dropped = new Dropped();

    /** The subscribers that a test does not cancel itself. */
    private final Disposable.Composite subscribers = Disposables.composite();

    @AfterEach
    void close() {
        subscribers.dispose();
        dropped.close();
    }

    /** A typical event source of a library. */
    private static final class Bus {
        final List<Consumer<String>> listeners = new CopyOnWriteArrayList<>();
        final List<ListenerSink<String>> sinks = new ArrayList<>();

        void register(ListenerSink<String> sink) {
            sinks.add(sink);
            Consumer<String> listener = sink::next;
            listeners.add(listener);
            LeakCheck.registered(listener);
            sink.onDispose(() -> {
                listeners.remove(listener);
                LeakCheck.unregistered(listener);
            });
        }

        void fire(String... events) {
            for (String event : events) {
                listeners.forEach(listener -> listener.accept(event));
            }
        }

        ListenerSink<String> sink() {
            return sinks.get(sinks.size() - 1);
        }
    }

    private final Bus bus = new Bus();

    private StepVerifier.FirstStep<String> slow(Overflow overflow) {
        return StepVerifier.create(Listeners.flux(overflow, bus::register).contextWrite(dropped.context()), 0);
    }

    @Test
    void eventsAreItemsAndCancellingUnregisters() {
        Flux<String> flux = Listeners.flux(Overflow.fail(8), bus::register);
        assertThat(bus.listeners).isEmpty();
        StepVerifier.create(flux)
                .then(() -> bus.fire("a", "b"))
                .expectNext("a", "b")
                .thenCancel()
                .verify();
        assertThat(bus.listeners).isEmpty();
        assertThat(bus.sink().isEnded()).isTrue();
        assertThat(bus.sink().next("late")).isFalse();
    }

    @Test
    void nothingIsRegisteredWithoutDemand() {
        slow(Overflow.fail(8)).expectSubscription().thenCancel().verify();
        assertThat(bus.sinks).isEmpty();
    }

    @Test
    void theEndUnregistersAtOnceAndComesBehindWhatIsKept() {
        slow(Overflow.fail(8))
                .thenRequest(1)
                .then(() -> bus.fire("a", "b"))
                .then(() -> bus.sink().complete())
                .then(() -> assertThat(bus.listeners).isEmpty())
                .expectNext("a")
                .thenRequest(1)
                .expectNext("b")
                .verifyComplete();
        bus.sink().error(new IOException("late"));
        assertThat(dropped.errors).singleElement().asString().contains("late");
    }

    @Test
    void anErrorEndsIt() {
        slow(Overflow.fail(8))
                .thenRequest(1)
                .then(() -> bus.sink().error(new IOException("x")))
                .verifyErrorMessage("x");
        assertThat(bus.listeners).isEmpty();
    }

    @Test
    void aRegistrationThatThrowsFailsTheFluxAndUndoesWhatItDid() {
        StepVerifier.create(Listeners.<String>flux(Overflow.latest(), sink -> {
                    bus.register(sink);
                    throw new IOException("refused");
                }))
                .verifyErrorMessage("refused");
        assertThat(bus.listeners).isEmpty();
    }

    /** A subscriber that requests one item, and more when told to. */
    private final class Slow extends BaseSubscriber<String> {
        final List<String> got = new ArrayList<>();

        @Nullable Throwable error;

        Slow(Overflow overflow) {
            subscribers.add(this);
            Listeners.flux(overflow, bus::register).subscribe(this);
        }

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            subscription.request(1);
        }

        @Override
        protected void hookOnNext(String item) {
            got.add(item);
        }

        @Override
        protected void hookOnError(Throwable error) {
            this.error = error;
        }

        @Override
        public Context currentContext() {
            return dropped.context();
        }
    }

    private Slow overflown(Overflow overflow) {
        Slow slow = new Slow(overflow);
        bus.fire("a", "b", "c", "d");
        assertThat(slow.got).containsExactly("a");
        slow.request(9);
        return slow;
    }

    @Test
    void theOldestAreDropped() {
        assertThat(overflown(Overflow.dropOldest(2)).got).containsExactly("a", "c", "d");
        assertThat(dropped.discarded).containsExactly("b");
    }

    @Test
    void theNewestAreDropped() {
        assertThat(overflown(Overflow.dropNewest(2)).got).containsExactly("a", "b", "c");
        assertThat(dropped.discarded).containsExactly("d");
    }

    @Test
    void onlyTheLatestIsKept() {
        assertThat(overflown(Overflow.latest()).got).containsExactly("a", "d");
        assertThat(dropped.discarded).containsExactly("b", "c");
    }

    @Test
    void tooManyFailBehindWhatIsKept() {
        Slow slow = overflown(Overflow.fail(2));
        assertThat(slow.got).containsExactly("a", "b", "c");
        assertThat(slow.error).matches(Exceptions::isOverflow).hasMessageContaining("while 2 were waiting");
        assertThat(dropped.discarded).containsExactly("d");
        assertThat(bus.listeners).isEmpty();
    }

    @Test
    void aBufferHasRoomForOneAtLeast() {
        assertThatThrownBy(() -> Overflow.fail(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatIsKeptIsDiscardedByACancellation() {
        Slow slow = new Slow(Overflow.fail(8));
        bus.fire("a", "b", "c");
        slow.cancel();
        slow.request(1);
        assertThat(slow.got).containsExactly("a");
        assertThat(dropped.discarded).containsExactly("b", "c");
    }

    @Test
    void aSourceThatCanWaitWaitsForRoom() throws Exception {
        Asyncio.run(() -> {
            List<String> log = new ArrayList<>();
            Task<List<String>> consumer = createTask(Listeners.<String>flux(
                            Overflow.fail(1),
                            sink -> createTask(async(() -> {
                                for (String item : List.of("a", "b", "c", "d")) {
                                    await(sink.put(item));
                                    log.add("put " + item);
                                }
                                sink.complete();
                            })))
                    .concatMap(item -> sleep(Duration.ofMillis(1), item).doOnNext(got -> log.add("got " + got)), 1)
                    .collectList());
            assertThat(await(consumer)).containsExactly("a", "b", "c", "d");
            assertThat(log.indexOf("put d")).as("%s", log).isGreaterThan(log.indexOf("got a"));
        });
    }

    @Test
    void aPutThatIsCancelledIsNotPut() {
        Slow slow = new Slow(Overflow.fail(1));
        List<String> log = new ArrayList<>();
        bus.fire("a", "b");
        bus.sink().put("c").subscribe().dispose();
        bus.sink().put("d").subscribe(nothing -> {}, error -> {}, () -> log.add("in"));
        assertThat(log).isEmpty();
        slow.request(1);
        assertThat(log).containsExactly("in");
        slow.request(9);
        assertThat(slow.got).containsExactly("a", "b", "d");
    }

    @Test
    void thoseWhoWaitFailWhenTheSubscriberLeavesOrTheSourceEnds() {
        List<Throwable> errors = new ArrayList<>();
        Slow slow = new Slow(Overflow.fail(1));
        bus.fire("a", "b");
        bus.sink().put("c").subscribe(nothing -> {}, errors::add);
        slow.cancel();
        assertThat(errors).singleElement().asString().contains("has left");
        StepVerifier.create(bus.sink().put("d")).verifyError(CancellationException.class);
        new Slow(Overflow.fail(1));
        bus.fire("a", "b");
        bus.sink().put("c").subscribe(nothing -> {}, errors::add);
        bus.sink().complete();
        assertThat(errors).hasSize(2);
        assertThat(errors.get(1)).isInstanceOf(CancellationException.class).hasMessageContaining("has ended");
    }

    @Test
    void aTaskThatPutsCanBeCancelled() throws Exception {
        Asyncio.run(() -> {
            Future<ListenerSink<String>> registered = new Future<>();
            BaseSubscriber<String> nobody = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                    subscription.request(1);
                }
            };
            Listeners.<String>flux(Overflow.fail(1), registered::setResult).subscribe(nobody);
            ListenerSink<String> sink = await(registered);
            await(sink.put("a"));
            await(sleep(Duration.ZERO));
            await(sink.put("b"));
            Task<Void> waiting = createTask(sink.put("c"));
            await(sleep(Duration.ZERO));
            waiting.cancel();
            assertThatThrownBy(() -> await(waiting)).isInstanceOf(CancelledException.class);
        });
    }

    @Test
    void eventsFromOtherThreadsComeOnTheLoopAndNoneIsLost() throws Exception {
        int threads = 4;
        int each = 5_000;
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            CountDownLatch left = new CountDownLatch(threads);
            Task<Long> count = createTask(Listeners.<Integer>flux(Overflow.fail(threads * each), sink -> {
                        for (int i = 0; i < threads; i++) {
                            new Thread(() -> {
                                        IntStream.range(0, each).forEach(sink::next);
                                        left.countDown();
                                        if (left.getCount() == 0) {
                                            sink.complete(); // the first end counts
                                        }
                                    })
                                    .start();
                        }
                    })
                    .doOnNext(item -> assertThat(EventLoop.runningOrNull()).isSameAs(loop))
                    .count());
            assertThat(await(count)).isEqualTo((long) threads * each);
        });
    }

    @Test
    void theFirstListenerCallMayComeDuringTheRegistration() {
        StepVerifier.create(Listeners.<String>flux(Overflow.fail(8), sink -> {
                    sink.next("a");
                    sink.next("b");
                    sink.complete();
                }))
                .expectNext("a", "b")
                .verifyComplete();
    }

    // ---- the other direction

    @Test
    void aFluxIsPushedIntoAListener() {
        List<Object> log = new ArrayList<>();
        Listeners.push(Flux.just(1, 2, 3), log::add, end -> log.add(end == null ? "end" : end));
        assertThat(log).containsExactly(1, 2, 3, "end");
        log.clear();
        IOException error = new IOException("x");
        Listeners.push(Flux.concat(Flux.just(1), Flux.error(error)), log::add, end -> log.add(String.valueOf(end)));
        assertThat(log).containsExactly(1, error.toString());
    }

    @Test
    void aMillionItemsNeedNoStack() {
        long[] count = new long[1];
        Listeners.push(Flux.range(0, 1_000_000), item -> count[0]++, end -> count[0] = -count[0]);
        assertThat(count[0]).isEqualTo(-1_000_000);
    }

    @Test
    void aPausedListenerGetsNothingUntilItResumes() {
        TestPublisher<Integer> source = TestPublisher.createCold();
        List<Object> log = new ArrayList<>();
        Push push = Listeners.push(source, log::add, end -> log.add("end"));
        source.next(1);
        push.pause();
        assertThat(push.isPaused()).isTrue();
        source.next(2); // already requested
        source.next(3);
        source.complete();
        assertThat(log).containsExactly(1);
        push.resume();
        assertThat(log).containsExactly(1, 2, 3, "end");
    }

    @Test
    void aListenerMayPauseItself() {
        List<Integer> log = new ArrayList<>();
        List<Push> handle = new ArrayList<>();
        TestPublisher<Integer> source = TestPublisher.createCold();
        handle.add(Listeners.push(
                source,
                item -> {
                    log.add(item);
                    handle.get(0).pause();
                },
                end -> {}));
        source.next(1, 2, 3);
        assertThat(log).containsExactly(1);
        handle.get(0).resume();
        assertThat(log).containsExactly(1, 2);
        handle.get(0).dispose();
        handle.get(0).resume();
        assertThat(log).containsExactly(1, 2);
        source.assertCancelled();
    }

    @Test
    void whatIsHeldIsDiscardedByTheHandle() {
        TestPublisher<Integer> source = TestPublisher.create();
        Push push = pushed(source);
        push.pause();
        source.next(1);
        push.dispose();
        assertThat(push.isDisposed()).isTrue();
        source.assertCancelled();
    }

    private static Push pushed(TestPublisher<Integer> source) {
        return Listeners.push(
                source,
                item -> {
                    throw new AssertionError("it is paused");
                },
                end -> {
                    throw new AssertionError("nobody wants to know");
                });
    }

    @Test
    void aListenerThatThrowsIsToldTheEnd() {
        TestPublisher<Integer> source = TestPublisher.create();
        List<@Nullable Throwable> ends = new ArrayList<>();
        IllegalStateException error = new IllegalStateException("of the user");
        Listeners.push(
                source,
                item -> {
                    throw error;
                },
                ends::add);
        source.next(1);
        source.assertCancelled();
        assertThat(ends).containsExactly(error);
    }

    @Test
    void aListenerOfALoopIsCalledThere() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> ended = new Future<>();
            List<@Nullable EventLoop> loops = new ArrayList<>();
            Listeners.push(
                    Flux.range(0, 1000).publishOn(Schedulers.parallel()),
                    item -> loops.add(EventLoop.runningOrNull()),
                    end -> ended.setResult(null));
            await(ended);
            assertThat(loops).hasSize(1000).containsOnly(loop);
        });
    }

    @Test
    void pauseAndResumeFromAnotherThreadLoseNothing() throws Exception {
        List<Integer> log = new ArrayList<>();
        CountDownLatch ended = new CountDownLatch(1);
        Push push = Listeners.push(
                Flux.range(0, 20_000).publishOn(Schedulers.parallel(), 1), log::add, end -> ended.countDown());
        while (ended.getCount() > 0) {
            push.pause();
            push.resume();
        }
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(log).isEqualTo(IntStream.range(0, 20_000).boxed().toList());
    }
}
