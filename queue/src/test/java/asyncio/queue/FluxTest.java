package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;

/** A queue as a Flux, and one filled by a Flux. */
@Timeout(60)
class FluxTest {
    private static List<Integer> range(int n) {
        return IntStream.range(0, n).boxed().toList();
    }

    private static Queue<Integer> filled(int n) {
        Queue<Integer> queue = Queue.unbounded();
        range(n).forEach(queue::putNowait);
        return queue;
    }

    // ---- asFlux

    @Test
    void honoursDemand() {
        Queue<Integer> queue = filled(5);
        StepVerifier.create(queue.asFlux(), 0)
                .expectSubscription()
                .then(() -> assertThat(queue.size()).isEqualTo(5))
                .thenRequest(2)
                .expectNext(0, 1)
                .then(() -> assertThat(queue.size()).isEqualTo(3))
                .thenRequest(10)
                .expectNext(2, 3, 4)
                .then(() -> queue.putNowait(5))
                .expectNext(5)
                .then(queue::shutdown)
                .verifyComplete();
        assertThat(queue.core.state().watchers()).isZero();
    }

    @Test
    void completesWithoutDemand() {
        Queue<Integer> queue = filled(2);
        StepVerifier.create(queue.asFlux(), 2)
                .expectNext(0, 1)
                .then(queue::shutdown)
                .verifyComplete();
        Queue<Integer> ended = filled(2);
        ended.shutdown();
        StepVerifier.create(ended.asFlux(), 2).expectNext(0, 1).verifyComplete();
        StepVerifier.create(ended.asFlux(), 0).verifyComplete();
    }

    @Test
    void cancellingPutsBackWhatWasNotEmitted() {
        Queue<Integer> queue = filled(10);
        StepVerifier.create(queue.asFlux().take(3, false)).expectNext(0, 1, 2).verifyComplete();
        queue.putNowait(10);
        assertThat(queue).hasToString("<Queue maxsize=0 items=[3, 4, 5, 6, 7, 8, 9, 10] tasks=11>");
        assertThat(queue.core.state().getters()).isZero();
        assertThat(queue.core.state().watchers()).isZero();
    }

    @Test
    void aCancelledSubscriberThatWaitsIsNotHeld() {
        Queue<Integer> queue = Queue.unbounded();
        Disposable subscriber = queue.asFlux().subscribe();
        assertThat(queue.core.state().getters()).isEqualTo(1);
        subscriber.dispose();
        assertThat(queue.core.state().getters()).isZero();
        assertThat(queue.core.state().watchers()).isZero();
        queue.putNowait(1);
        assertThat(queue.getNowait()).isEqualTo(1);
    }

    @Test
    void badDemandIsAnError() {
        Queue<Integer> queue = filled(1);
        List<Throwable> errors = new ArrayList<>();
        queue.asFlux().subscribe(new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscription.request(0);
            }

            @Override
            protected void hookOnError(Throwable error) {
                errors.add(error);
            }
        });
        assertThat(errors).singleElement().isInstanceOf(IllegalArgumentException.class);
        assertThat(queue.size()).isEqualTo(1);
    }

    @Test
    void eachItemGoesToOneOfSeveral() {
        int n = 100_000;
        Queue<Integer> queue = new Queue<>(64);
        List<CompletableFuture<List<Integer>>> workers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            workers.add(queue.asFlux()
                    .subscribeOn(Schedulers.parallel())
                    .limitRate(7)
                    .collectList()
                    .toFuture());
        }
        Mono.when(
                        queue.putAll(Flux.range(0, n)).subscribeOn(Schedulers.parallel()),
                        queue.putAll(Flux.range(n, n)).subscribeOn(Schedulers.boundedElastic()))
                .block();
        queue.shutdown();
        List<Integer> all = new ArrayList<>();
        for (CompletableFuture<List<Integer>> worker : workers) {
            List<Integer> got = worker.join();
            assertThat(got.stream().filter(i -> i < n).toList()).isSorted();
            assertThat(got.stream().filter(i -> i >= n).toList()).isSorted();
            all.addAll(got);
        }
        assertThat(all).hasSize(2 * n);
        assertThat(new HashSet<>(all)).hasSize(2 * n);
    }

    @Test
    void emitsOnTheLoopWhereItWasSubscribedTo() throws Exception {
        Asyncio.run(() -> {
            Queue<Integer> queue = new Queue<>(2);
            EventLoop loop = EventLoop.getRunningLoop();
            Set<EventLoop> seen = new HashSet<>();
            Mono<List<Integer>> items = queue.asFlux()
                    .doOnNext(item -> seen.add(EventLoop.runningOrNull()))
                    .doOnComplete(() -> seen.add(EventLoop.runningOrNull()))
                    .collectList();
            Task<List<Integer>> task = createTask(items);
            tick();
            queue.putAll(Flux.range(0, 1000))
                    .doOnTerminate(queue::shutdown)
                    .subscribeOn(Schedulers.parallel())
                    .subscribe();
            assertThat(await(task)).isEqualTo(range(1000));
            assertThat(seen).containsExactly(loop);

            Queue<Integer> other = filled(10);
            Subscription[] subscription = new Subscription[1];
            seen.clear();
            CompletableFuture<Void> ten = new CompletableFuture<>();
            other.asFlux().subscribe(new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription s) {
                    subscription[0] = s;
                }

                @Override
                protected void hookOnNext(Integer item) {
                    seen.add(EventLoop.runningOrNull());
                    if (item == 9) {
                        ten.complete(null);
                    }
                }
            });
            Schedulers.parallel().schedule(() -> subscription[0].request(10));
            await(Asyncio.wrapFuture(ten));
            assertThat(seen).containsExactly(loop);
        });
    }

    @Test
    void emitsOnThePuttingThreadOffEveryLoop() {
        Queue<Integer> queue = new Queue<>(1);
        List<Thread> threads = new ArrayList<>();
        queue.asFlux().subscribe(item -> threads.add(Thread.currentThread()));
        queue.putNowait(1);
        queue.putNowait(2);
        assertThat(threads).containsExactly(Thread.currentThread(), Thread.currentThread());
    }

    @Test
    void aSubscriberThatPutsDoesNotRecur() {
        Queue<Integer> queue = Queue.unbounded();
        int n = 1_000_000;
        AtomicInteger last = new AtomicInteger();
        queue.asFlux().subscribe(item -> {
            last.set(item);
            if (item < n) {
                queue.putNowait(item + 1);
            }
        });
        queue.putNowait(0);
        assertThat(last).hasValue(n);
    }

    // ---- putAll, asSubscriber

    @Test
    void requestsWhatThereIsRoomFor() {
        Queue<Integer> queue = new Queue<>(4);
        queue.putNowait(-1);
        TestPublisher<Integer> source = TestPublisher.create();
        CompletableFuture<Void> all = queue.putAll(source).toFuture();
        source.assertMinRequested(3);
        source.next(0, 1, 2);
        assertThat(queue.size()).isEqualTo(4);
        source.assertMinRequested(1); // which waits
        source.next(3);
        assertThat(queue.core.state().putters()).isEqualTo(1);
        source.assertMaxRequested(0);
        assertThat(queue.getNowait()).isEqualTo(-1);
        assertThat(queue.size()).isEqualTo(4);
        source.assertMinRequested(1);
        source.next(4);
        source.complete();
        assertThat(all).as("one waits").isNotDone();
        for (int i = 0; i < 5; i++) {
            assertThat(queue.getNowait()).isEqualTo(i);
        }
        assertThat(all).isCompleted();
        assertThat(queue.isShutdown()).isFalse();
    }

    @Test
    void whatWasAskedForAndFindsNoRoomWaitsInOrder() {
        Queue<Integer> queue = new Queue<>(4);
        TestPublisher<Integer> source = TestPublisher.create();
        CompletableFuture<Void> all = queue.putAll(source).toFuture();
        queue.putAll(Flux.range(10, 4)).subscribe(); // takes the room that the first one counted on
        source.next(0, 1, 2, 3);
        source.error(new IOException("torn"));
        assertThat(queue.core.state().putters()).isEqualTo(1);
        List<Integer> got = new ArrayList<>();
        for (Integer item; (item = queue.tryGet()) != null; ) {
            got.add(item);
        }
        assertThat(got).containsExactly(10, 11, 12, 13, 0, 1, 2, 3);
        StepVerifier.create(Mono.fromFuture(all)).verifyErrorMessage("torn");
    }

    @Test
    void aCancelledPutAllHandsOverWhatItHad() {
        List<Integer> lost = new ArrayList<>();
        Queue<Integer> queue = new Queue<>(2, lost::add);
        TestPublisher<Integer> source = TestPublisher.create();
        Disposable all = queue.putAll(source).subscribe();
        queue.putNowait(10);
        queue.putNowait(11);
        source.next(0, 1);
        all.dispose();
        source.assertCancelled();
        assertThat(lost).containsExactly(0, 1);
        assertThat(queue.core.state().putters()).isZero();
        assertThat(queue.size()).isEqualTo(2);
    }

    @Test
    void shutdownEndsPutAll() {
        List<Integer> lost = new ArrayList<>();
        Queue<Integer> queue = new Queue<>(1, lost::add);
        TestPublisher<Integer> source = TestPublisher.create();
        CompletableFuture<Void> all = queue.putAll(source).toFuture();
        source.next(1, 2);
        queue.shutdown();
        StepVerifier.create(Mono.fromFuture(all)).verifyError(QueueShutDownException.class);
        source.assertCancelled();
        assertThat(lost).containsExactly(2);

        TestPublisher<Integer> late = TestPublisher.create();
        StepVerifier.create(queue.putAll(late)).then(() -> late.next(3)).verifyError(QueueShutDownException.class);
        late.assertCancelled();
        assertThat(lost).containsExactly(2, 3);
    }

    @Test
    void aSubscriberPutsWithoutRecursion() {
        int n = 1_000_000;
        Queue<Integer> queue = new Queue<>(1);
        Flux.range(0, n).subscribe(queue.asSubscriber());
        StepVerifier.create(queue.asFlux().take(n).count()).expectNext((long) n).verifyComplete();
    }

    @Test
    void bodiesAndFluxesShareAQueue() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(3);
            Task<List<Integer>> flux = createTask(queue.asFlux().collectList());
            Task<List<Integer>> body = createTask(async(() -> {
                List<Integer> got = new ArrayList<>();
                for (Integer item; (item = await(queue.next())) != null; ) {
                    got.add(item);
                }
                return got;
            }));
            Task<Void> all = createTask(queue.putAll(Flux.range(0, 100)));
            for (int i = 100; i < 200; i++) {
                await(queue.put(i));
            }
            await(all);
            queue.shutdown();
            List<Integer> got = new ArrayList<>(await(flux));
            got.addAll(await(body));
            assertThat(got).containsExactlyInAnyOrderElementsOf(range(200));
            assertThat(await(body)).isNotEmpty();
        });
    }
}
