package asyncio.bridge;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

/**
 * Sources that accept requests, and feeds with their own threads. Reactor's {@code create} bounds neither: see
 * reactor-core 314, 1709 and 1949.
 */
@Timeout(60)
class DemandTest {
    private final List<Long> asked = new ArrayList<>();

    private Flux<Integer> recorded(Overflow overflow, AtomicReference<ListenerSink<Integer>> sink) {
        return Listeners.flux(overflow, listener -> {
            sink.set(listener);
            listener.onRequest(asked::add);
        });
    }

    private static BaseSubscriber<Integer> subscriber(Flux<Integer> flux, List<Integer> items) {
        BaseSubscriber<Integer> subscriber = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {}

            @Override
            protected void hookOnNext(Integer item) {
                items.add(item);
            }
        };
        flux.subscribe(subscriber);
        return subscriber;
    }

    @Test
    void aSourceIsAskedForWhatTheSubscriberWants() {
        AtomicReference<ListenerSink<Integer>> sink = new AtomicReference<>();
        List<Integer> items = new ArrayList<>();
        BaseSubscriber<Integer> subscriber = subscriber(recorded(Overflow.fail(8), sink), items);
        assertThat(asked).isEmpty();
        subscriber.request(2);
        subscriber.request(1);
        assertThat(asked).containsExactly(2L, 1L);
        sink.get().next(1);
        assertThat(items).containsExactly(1);
        assertThat(asked).as("nothing more is wanted").containsExactly(2L, 1L);
        subscriber.cancel();
        subscriber.request(1);
        assertThat(asked).containsExactly(2L, 1L);
    }

    @Test
    void neverForMoreThanThereIsRoomFor() {
        AtomicReference<ListenerSink<Integer>> sink = new AtomicReference<>();
        List<Integer> items = new ArrayList<>();
        BaseSubscriber<Integer> subscriber = subscriber(recorded(Overflow.fail(4), sink), items);
        subscriber.requestUnbounded();
        assertThat(asked).containsExactly(4L);
        sink.get().next(1);
        assertThat(asked).containsExactly(4L, 1L);
        sink.get().next(2);
        sink.get().next(3);
        assertThat(asked).containsExactly(4L, 1L, 1L, 1L);
        assertThat(items).containsExactly(1, 2, 3);
        subscriber.cancel();
    }

    @Test
    void anItemThatWasNotAskedForTakesRoom() {
        AtomicReference<ListenerSink<Integer>> sink = new AtomicReference<>();
        List<Integer> items = new ArrayList<>();
        BaseSubscriber<Integer> subscriber = subscriber(recorded(Overflow.dropNewest(2), sink), items);
        subscriber.request(1);
        sink.get().next(1);
        sink.get().next(2);
        sink.get().next(3);
        assertThat(asked).containsExactly(1L);
        subscriber.request(3);
        assertThat(items).containsExactly(1, 2, 3);
        assertThat(asked.stream().mapToLong(n -> n).sum())
                .as("two of the three were there")
                .isEqualTo(3);
        subscriber.cancel();
    }

    @Test
    void aSourceThatAnswersInItsCallNeverOverflowsAndUsesNoStack() {
        AtomicInteger next = new AtomicInteger();
        Flux<Integer> numbers = Listeners.flux(
                Overflow.fail(3),
                sink -> sink.onRequest(n -> {
                    for (long i = 0; i < n; i++) {
                        sink.next(next.getAndIncrement());
                    }
                    if (next.get() >= 100_000) {
                        sink.complete();
                    }
                }));
        StepVerifier.create(numbers.count())
                .expectNextMatches(count -> count >= 100_000)
                .verifyComplete();
    }

    @Test
    void itNeverOverflowsWhoeverAsksAndWhereverItAnswers() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ExecutorService threads = Executors.newFixedThreadPool(3);
        try {
            for (int round = 0; round < 30; round++) {
                int capacity = 1 + random.nextInt(8);
                int prefetch = 1 + random.nextInt(16);
                AtomicInteger next = new AtomicInteger();
                AtomicInteger sent =
                        new AtomicInteger(); // with several threads, the one with the last item may be first
                Flux<Integer> numbers = Listeners.flux(
                        Overflow.fail(capacity),
                        sink -> sink.onRequest(n -> {
                            for (long i = 0; i < n; i++) {
                                threads.execute(() -> {
                                    int item = next.getAndIncrement();
                                    if (item < 3000) {
                                        sink.next(item);
                                        if (sent.incrementAndGet() == 3000) {
                                            sink.complete();
                                        }
                                    }
                                });
                            }
                        }));
                Long count = numbers.publishOn(Schedulers.parallel(), prefetch)
                        .count()
                        .block();
                assertThat(count).as("seed %d, round %d", seed, round).isEqualTo(3000);
            }
        } finally {
            threads.shutdown();
            assertThat(threads.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void aSubscriberOnALoopIsServedThere() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger next = new AtomicInteger();
            Flux<Integer> numbers = Listeners.flux(
                    Overflow.fail(4),
                    sink -> sink.onRequest(n -> {
                        for (long i = 0; i < n; i++) {
                            sink.next(next.getAndIncrement());
                        }
                    }));
            assertThat(await(numbers.take(1000).count())).isEqualTo(1000);
        });
    }

    @Test
    void aSourceThatThrowsEndsTheFlux() {
        IOException oops = new IOException("oops");
        Flux<Integer> failing = Listeners.flux(
                Overflow.fail(1),
                sink -> sink.onRequest(n -> {
                    throw DemandTest.<RuntimeException>sneaky(oops);
                }));
        StepVerifier.create(failing).verifyErrorSatisfies(e -> assertThat(e).isSameAs(oops));
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> RuntimeException sneaky(Throwable e) throws E {
        throw (E) e;
    }

    // ---- feeds with their own threads

    @Test
    void aFeedWaitsForRoomAndEndsWhenTheSubscriberLeaves() throws Exception {
        CountDownLatch left = new CountDownLatch(1);
        AtomicInteger put = new AtomicInteger();
        Flux<Integer> feed = Listeners.flux(
                Overflow.fail(2),
                sink -> new Thread(() -> {
                            try {
                                while (sink.putBlocking(put.getAndIncrement())) {}
                            } catch (InterruptedException e) {
                                sink.error(e);
                            }
                            left.countDown();
                        })
                        .start());
        StepVerifier.create(feed.take(1000))
                .expectNextSequence(IntStream.range(0, 1000).boxed().toList())
                .verifyComplete();
        assertThat(left.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(put.get()).isLessThanOrEqualTo(1000 + 2 + 2);
    }

    @Test
    void anInterruptionEndsTheWaitAndPutsNothing() throws Exception {
        AtomicReference<ListenerSink<Integer>> sink = new AtomicReference<>();
        List<Integer> items = new ArrayList<>();
        BaseSubscriber<Integer> subscriber = subscriber(Listeners.flux(Overflow.fail(1), sink::set), items);
        subscriber.request(1);
        assertThat(sink.get().putBlocking(1)).isTrue();
        assertThat(sink.get().putBlocking(2)).isTrue(); // in the buffer
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> sink.get().putBlocking(3)).isInstanceOf(InterruptedException.class);
        subscriber.requestUnbounded();
        assertThat(items).containsExactly(1, 2);
        sink.get().complete();
        assertThat(sink.get().putBlocking(4)).isFalse();
    }

    @Test
    void aLoopMustNotBeBlocked() throws Exception {
        AtomicReference<ListenerSink<Integer>> sink = new AtomicReference<>();
        BaseSubscriber<Integer> subscriber = subscriber(Listeners.flux(Overflow.fail(1), sink::set), new ArrayList<>());
        subscriber.request(1);
        Asyncio.run(async(() -> assertThatThrownBy(() -> sink.get().putBlocking(1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("await(put(item)) instead")));
        subscriber.cancel();
    }

    /** An item that entered while the thread was interrupted is not put again by a feed that retries. */
    @Test
    void anInterruptionTellsWhetherTheItemIsIn() throws Exception {
        AtomicReference<ListenerSink<Integer>> sink = new AtomicReference<>();
        List<Integer> items = new CopyOnWriteArrayList<>();
        BaseSubscriber<Integer> subscriber = subscriber(Listeners.flux(Overflow.fail(1), sink::set), items);
        subscriber.request(1);
        sink.get().next(-1);
        sink.get().next(-1); // in the buffer
        Thread feed = Thread.currentThread();
        for (int i = 0; i < 1000; i++) {
            CyclicBarrier together = new CyclicBarrier(2);
            Thread demand = new Thread(() -> {
                meet(together);
                subscriber.request(1);
            });
            Thread interruption = new Thread(() -> {
                meet(together);
                feed.interrupt();
            });
            demand.start();
            interruption.start();
            boolean in;
            try {
                in = sink.get().putBlocking(i);
            } catch (InterruptedException e) {
                in = false;
            }
            joinUninterruptibly(demand);
            joinUninterruptibly(interruption);
            if (!in) {
                assertThat(sink.get().next(i)).isTrue(); // there is room, since one item was taken
            }
            Thread.interrupted();
        }
        subscriber.requestUnbounded();
        assertThat(items.subList(2, items.size()))
                .containsExactlyElementsOf(IntStream.range(0, 1000).boxed().toList());
    }

    private static void meet(CyclicBarrier together) {
        try {
            together.await();
        } catch (InterruptedException | BrokenBarrierException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void joinUninterruptibly(Thread thread) {
        for (; ; ) {
            try {
                thread.join();
                return;
            } catch (InterruptedException e) {
                // intended for putBlocking
            }
        }
    }
}
