package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Hooks;
import reactor.test.StepVerifier;

/** User code that throws, calls back into the queue, or cancels at unexpected points. */
@Timeout(60)
class HostileCodeTest {
    private final List<Throwable> dropped = new ArrayList<>();

    HostileCodeTest() {
        Hooks.onErrorDropped(dropped::add);
    }

    @AfterEach
    void reset() {
        Hooks.resetOnErrorDropped();
    }

    private static Queue<Integer> filled(Queue<Integer> queue, int n) {
        IntStream.range(0, n).forEach(queue::putNowait);
        return queue;
    }

    /** Fails from its nth call on. */
    private static final class Failing implements Comparator<Integer> {
        final AtomicInteger callsLeft = new AtomicInteger(Integer.MAX_VALUE);

        @Override
        public int compare(Integer a, Integer b) {
            if (callsLeft.getAndDecrement() <= 0) {
                throw new AssertionError("compared");
            }
            return a.compareTo(b);
        }
    }

    // ---- comparators

    @Test
    void anErrorOfAComparatorReachesWhoPutsOrGetsAndNothingIsLost() {
        for (int calls = 0; calls < 40; calls++) {
            Failing order = new Failing();
            Queue<Integer> queue = filled(new PriorityQueue<>(20, order), 10);
            order.callsLeft.set(calls);
            List<Integer> got = new ArrayList<>();
            AtomicReference<Throwable> failed = new AtomicReference<>();
            queue.asFlux().subscribe(got::add, failed::set);
            assertThat(got.size() + queue.size()).isEqualTo(10);
            order.callsLeft.set(0);
            if (!queue.isEmpty()) {
                StepVerifier.create(queue.put(5)).verifyError(AssertionError.class);
            }
            if (queue.size() > 2) {
                assertThat(failed.get()).isInstanceOf(AssertionError.class);
                StepVerifier.create(queue.get()).verifyError(AssertionError.class);
                StepVerifier.create(new Select<Integer>().onGet(queue, i -> i).first())
                        .verifyError(AssertionError.class);
            }
            order.callsLeft.set(Integer.MAX_VALUE);
            for (Integer item; (item = queue.tryGet()) != null; ) {
                got.add(item);
            }
            assertThat(got).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        }
    }

    @Test
    void aComparatorThatFailsAPutterLetsTheNextOneIn() {
        Failing order = new Failing();
        Queue<Integer> queue = filled(new PriorityQueue<>(2, order), 2);
        CompletableFuture<Void> fails = queue.put(2).toFuture();
        CompletableFuture<Void> enters = queue.put(3).toFuture();
        order.callsLeft.set(0);
        assertThat(queue.getNowait()).as("of two, none is compared").isZero();
        assertThat(fails).isCompletedExceptionally();
        assertThat(enters).as("it was next, and compared too").isCompletedExceptionally();
        order.callsLeft.set(Integer.MAX_VALUE);
        assertThat(queue.core.state().putters()).isZero();
        queue.putNowait(4);
        assertThat(queue.getNowait()).isEqualTo(1);
    }

    @Test
    void aGetterThatIsCancelledWhileItIsGrantedAnItemTakesNothing() {
        AtomicReference<Disposable> getter = new AtomicReference<>();
        Comparator<Integer> order = (a, b) -> {
            Disposable cancels = getter.get();
            if (cancels != null) {
                cancels.dispose();
            }
            return a.compareTo(b);
        };
        Queue<Integer> queue = filled(new PriorityQueue<>(4, order), 4);
        CompletableFuture<Void> putter = queue.put(9).toFuture();
        List<Integer> got = new ArrayList<>();
        BaseSubscriber<Integer> cancelled = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(Integer item) {
                got.add(item);
            }
        };
        new Select<Integer>().onGet(queue, i -> i).first().subscribe(cancelled);
        getter.set(cancelled);
        cancelled.request(1);
        getter.set(null);
        assertThat(got).isEmpty();
        assertThat(putter).isNotDone();
        assertThat(queue.core.state().getters()).isZero();
        assertThat(IntStream.range(0, 5).mapToObj(i -> queue.getNowait())).containsExactly(0, 1, 2, 3, 9);
        assertThat(putter).isCompleted();
    }

    // ---- hooks and functions

    @Test
    void aHookThatThrowsDoesNotKeepItemsFromIt() {
        List<Integer> heard = new ArrayList<>();
        Queue<Integer> queue = filled(
                new Queue<>(3, item -> {
                    heard.add(item);
                    throw new AssertionError(item);
                }),
                3);
        CompletableFuture<Void> join = queue.join().toFuture();
        queue.shutdown(true);
        assertThat(heard).containsExactly(0, 1, 2);
        assertThat(dropped).hasSize(3);
        assertThat(join).isCompleted();
    }

    @Test
    void aClauseThatThrowsAnErrorFailsItsSelectAndNotWhoPuts() throws Exception {
        Queue<Integer> queue = new Queue<>(1);
        var select = new Select<Integer>()
                .onGet(queue, item -> {
                    throw new AssertionError(item);
                })
                .first();
        CompletableFuture<Integer> waiting = select.toFuture();
        queue.putNowait(1);
        assertThatThrownBy(waiting::get)
                .isInstanceOf(ExecutionException.class)
                .hasCauseInstanceOf(AssertionError.class);
        onLoop(() -> {
            Task<Integer> task = createTask(async(() -> await(select)));
            CompletableFuture<Integer> operator = select.map(i -> i).toFuture();
            tick();
            queue.putNowait(2);
            tick();
            queue.putNowait(3);
            tick();
            assertThat(operator).isCompletedExceptionally();
            assertThatThrownBy(() -> await(task)).isInstanceOf(AssertionError.class);
        });
    }

    // ---- subscribers

    @Test
    void aSubscriberThatThrowsIsCancelledAndTheRestReturns() {
        Queue<Integer> queue = filled(Queue.unbounded(), 10);
        List<Integer> got = new ArrayList<>();
        CoreSubscriber<Integer> subscriber = new CoreSubscriber<>() {
            @Override
            public void onSubscribe(Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(Integer item) {
                got.add(item);
                if (item == 3) {
                    throw new IllegalStateException("against rule 2.13");
                }
            }

            @Override
            public void onError(Throwable error) {
                got.add(-1);
            }

            @Override
            public void onComplete() {
                got.add(-2);
            }
        };
        assertThatThrownBy(() -> queue.asFlux().subscribe(subscriber)).hasMessage("against rule 2.13");
        assertThat(got).containsExactly(0, 1, 2, 3);
        assertThat(queue.getNowait()).isEqualTo(4);
        assertThat(queue.core.state().getters() + queue.core.state().watchers()).isZero();
        assertThat(queue.size()).isEqualTo(5);
    }

    @Test
    void aSubscriberMayPutGetCancelAndShutDownInOnNext() {
        Queue<Integer> queue = filled(new Queue<>(10), 10);
        CompletableFuture<Void> putter = queue.put(10).toFuture();
        List<Integer> got = new ArrayList<>();
        AtomicReference<String> end = new AtomicReference<>();
        queue.asFlux()
                .subscribe(
                        item -> {
                            got.add(item);
                            if (item == 0) {
                                assertThat(putter).as("the batch made room").isCompleted();
                                assertThat(queue.getNowait()).isEqualTo(10);
                                queue.putNowait(11);
                                queue.put(12).subscribe();
                            } else if (item == 11) {
                                queue.shutdown(true);
                            }
                        },
                        error -> end.set("error"),
                        () -> end.set("end"));
        assertThat(got).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12);
        assertThat(end).hasValue("end");

        Queue<Integer> other = filled(Queue.unbounded(), 3);
        List<Integer> first = new ArrayList<>();
        AtomicReference<Subscription> subscription = new AtomicReference<>();
        other.asFlux().doOnSubscribe(subscription::set).subscribe(item -> {
            first.add(item);
            subscription.get().cancel();
            assertThat(other.size())
                    .as("the rest comes back when onNext has returned")
                    .isLessThan(3);
        });
        assertThat(first).containsExactly(0);
        assertThat(other.getNowait()).isEqualTo(1);
    }

    @Test
    void demandMayOverflow() {
        Queue<Integer> queue = filled(Queue.unbounded(), 3);
        List<Integer> got = new ArrayList<>();
        queue.asFlux().subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscription.request(Long.MAX_VALUE - 1);
                subscription.request(Long.MAX_VALUE - 1);
            }

            @Override
            protected void hookOnNext(Integer item) {
                got.add(item);
                requestUnbounded();
            }
        });
        queue.putNowait(3);
        assertThat(got).containsExactly(0, 1, 2, 3);
    }

    @Test
    void aFluxOfTheQueueMayBePutBackIntoIt() {
        Queue<Integer> queue = filled(new Queue<>(4), 4);
        AtomicInteger n = new AtomicInteger();
        Disposable circle = queue.putAll(
                        queue.asFlux().doOnNext(item -> n.incrementAndGet()).take(1000))
                .subscribe();
        assertThat(circle.isDisposed()).isTrue();
        assertThat(n).hasValue(1000);
        assertThat(queue.size()).isEqualTo(4);
    }

    // ---- the request, time and loops

    @Test
    void aRequestAfterTheCancellationSubscribesToNothing() {
        AtomicInteger subscribed = new AtomicInteger();
        Queue<Integer> queue = new Queue<>(1);
        queue.putAll(Flux.just(1).doOnSubscribe(s -> subscribed.incrementAndGet()))
                .subscribe(new CoreSubscriber<Void>() {
                    @Override
                    public void onSubscribe(Subscription subscription) {
                        subscription.cancel();
                        subscription.request(1);
                    }

                    @Override
                    public void onNext(Void nothing) {}

                    @Override
                    public void onError(Throwable error) {}

                    @Override
                    public void onComplete() {}
                });
        assertThat(subscribed).hasValue(0);
        assertThat(queue.isEmpty()).isTrue();
    }

    @Test
    void noTimeIsEnoughForWhatIsThere() {
        Queue<Integer> queue = filled(new Queue<>(1), 1);
        Duration negative = Duration.ofSeconds(-1);
        StepVerifier.create(queue.put(1, negative)).verifyError(TimeoutException.class);
        StepVerifier.create(queue.get(negative)).expectNext(0).verifyComplete();
        StepVerifier.create(queue.get(negative)).verifyError(TimeoutException.class);
        StepVerifier.create(queue.put(1, Duration.ofSeconds(Long.MAX_VALUE))).verifyComplete();
        StepVerifier.create(new Select<Integer>().onGet(queue, i -> i).first(negative))
                .expectNext(1)
                .verifyComplete();
        assertThat(queue.core.state().getters() + queue.core.state().putters()).isZero();
    }

    @Test
    void deadlinesOffEveryLoopFollowVirtualTime() {
        Queue<Integer> queue = new Queue<>(1);
        StepVerifier.withVirtualTime(() -> queue.get(Duration.ofHours(1)))
                .expectSubscription()
                .expectNoEvent(Duration.ofMinutes(59))
                .thenAwait(Duration.ofMinutes(1))
                .verifyError(TimeoutException.class);
        assertThat(queue.core.state().getters()).isZero();
    }

    @Test
    void whatIsPutAfterTheLoopOfTheGetterHasClosedIsNotLost() throws Exception {
        Queue<Integer> queue = new Queue<>(1);
        List<Integer> got = new ArrayList<>();
        onLoop(() -> {
            queue.get().subscribe(got::add);
            queue.asFlux().subscribe(got::add);
        });
        for (int i = 0; i < 4; i++) {
            queue.putNowait(i);
        }
        assertThat(got).containsExactly(0, 1, 2, 3);
    }
}
