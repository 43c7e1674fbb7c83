package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.mapConcurrent;
import static asyncio.Asyncio.mapConcurrentUnordered;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.util.context.Context;

@Timeout(60)
class MapConcurrentTest {
    private final IOException oops = new IOException("oops");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static Mono<Integer> after(int seconds, int value) {
        return sleep(Duration.ofSeconds(seconds), value);
    }

    @Test
    void atMostSoManyAtATimeInOrder() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            AtomicInteger running = new AtomicInteger();
            List<Integer> most = new ArrayList<>();
            Flux<Integer> results = mapConcurrent(
                    Flux.range(0, 9),
                    3,
                    i -> async(() -> {
                        most.add(running.incrementAndGet());
                        await(sleep(Duration.ofSeconds(3 - i % 3)));
                        running.decrementAndGet();
                        return i % 4 == 0 ? null : i; // empty ones are skipped
                    }));
            assertThat(await(results.collectList())).containsExactly(1, 2, 3, 5, 6, 7);
            assertThat(most).allMatch(n -> n <= 3).contains(3);
            assertThat(loop.time().minus(start)).isLessThan(Duration.ofSeconds(12));
        });
    }

    @Test
    void unorderedDeliversWhatIsThere() throws Exception {
        VirtualTime.run(() -> assertThat(await(mapConcurrentUnordered(Flux.just(3, 1, 2), 3, i -> after(i, i))
                        .collectList()))
                .containsExactly(1, 2, 3));
        VirtualTime.run(() -> assertThat(await(
                        mapConcurrent(Flux.just(3, 1, 2), 3, i -> after(i, i)).collectList()))
                .containsExactly(3, 1, 2));
    }

    @Test
    void subscribedOffEveryLoop() {
        StepVerifier.create(mapConcurrent(Flux.range(0, 1000), 8, i -> sleep(Duration.ofNanos(i % 7 * 1000), i))
                        .collectList())
                .assertNext(list -> assertThat(list).hasSize(1000).isSorted())
                .verifyComplete();
        StepVerifier.create(mapConcurrent(Flux.empty(), 1, i -> Mono.just(i))).verifyComplete();
        StepVerifier.create(mapConcurrent(Mono.just(1), 1, i -> Mono.just(i + 1)))
                .expectNext(2)
                .verifyComplete();
    }

    @Test
    void asksTheSourceForAsManyAsThereIsRoomFor() throws Exception {
        VirtualTime.run(() -> {
            AtomicLong asked = new AtomicLong();
            AtomicInteger started = new AtomicInteger();
            List<Integer> taken = new ArrayList<>();
            BaseSubscriber<Integer> hand = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {}

                @Override
                protected void hookOnNext(Integer value) {
                    taken.add(value);
                }
            };
            mapConcurrent(Flux.range(0, 100).doOnRequest(asked::addAndGet), 4, i -> {
                        started.incrementAndGet();
                        return Mono.just(i);
                    })
                    .subscribe(hand);
            await(sleep(Duration.ofSeconds(1)));
            assertThat(asked).as("before a request").hasValue(0);
            hand.request(1);
            await(sleep(Duration.ofSeconds(1)));
            assertThat(taken).containsExactly(0);
            assertThat(asked).as("four, and one for the one delivered").hasValue(5);
            assertThat(started).as("the others wait for demand").hasValue(5);
            hand.request(2);
            await(sleep(Duration.ofSeconds(1)));
            assertThat(taken).containsExactly(0, 1, 2);
            assertThat(asked).hasValue(7);
            hand.cancel();
        });
    }

    @Test
    void aFailureCancelsTheOthersAndWaitsForThem() throws Exception {
        for (boolean ordered : new boolean[] {true, false}) {
            List<Object> discarded = new CopyOnWriteArrayList<>();
            List<String> cleaned = new ArrayList<>();
            IOException late = new IOException("late");
            EventLoop loop = VirtualTime.newLoop();
            try {
                Duration start = loop.time();
                TestPublisher<Integer> source = TestPublisher.create();
                Future<Object> result = loop.createTask(FluxMapConcurrent.of(
                                source,
                                10,
                                i -> switch (i) {
                                    case 0 ->
                                        async(() -> {
                                            try {
                                                return await(after(10, 0));
                                            } finally {
                                                await(sleep(Duration.ofSeconds(3)));
                                                cleaned.add(
                                                        "after " + loop.time().minus(start));
                                            }
                                        });
                                    case 1 -> after(1, 1);
                                    case 2 ->
                                        async(() -> {
                                            try {
                                                return await(after(10, 0));
                                            } catch (CancelledException e) {
                                                throw late;
                                            }
                                        });
                                    default -> sleep(Duration.ofSeconds(2)).then(Mono.error(oops));
                                },
                                ordered)
                        .then(Mono.<Object>empty())
                        .contextWrite(Operators.enableOnDiscard(Context.empty(), discarded::add)));
                loop.callSoon(() -> loop.callSoon(() -> source.next(0, 1, 2, 3)));
                assertThatThrownBy(() -> loop.runUntilComplete(result))
                        .isSameAs(oops)
                        .hasSuppressedException(late);
                assertThat(cleaned).containsExactly("after PT5S");
                source.assertCancelled();
                assertThat(discarded).contains(1); // in order it was never delivered; out of order, then() dropped it
            } finally {
                loop.close();
            }
        }
    }

    @Test
    void anErrorOfTheSourceOrTheFunctionCancelsWhatRuns() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> running = new Future<>();
            assertThatThrownBy(() -> await(mapConcurrent(Flux.just(1).concatWith(Mono.error(oops)), 2, i -> running)
                            .then()))
                    .isSameAs(oops);
            assertThat(running.cancelled()).isTrue();

            Future<Integer> again = new Future<>();
            assertThatThrownBy(() -> await(mapConcurrent(Flux.just(1, 2), 2, i -> {
                                if (i == 2) {
                                    throw new IllegalStateException("no " + i);
                                }
                                return again;
                            })
                            .then()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("no 2");
            assertThat(again.cancelled()).isTrue();

            assertThatThrownBy(() -> await(mapConcurrent(Flux.just(1), 2, i -> (Mono<Integer>) null)
                            .then()))
                    .isInstanceOf(NullPointerException.class)
                    .hasMessage("The function given to mapConcurrent returned null, not a Mono, for 1");
        });
    }

    @Test
    void cancellingCancelsTheSourceAndWhatRunsAndDiscardsTheRest() throws Exception {
        List<Object> discarded = new CopyOnWriteArrayList<>();
        VirtualTime.run(() -> {
            Future<Integer> running = new Future<>();
            List<String> sourceCancelled = new ArrayList<>();
            BaseSubscriber<Integer> hand = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                    subscription.request(1);
                }

                @Override
                public Context currentContext() {
                    return Operators.enableOnDiscard(Context.empty(), discarded::add);
                }
            };
            mapConcurrent(
                            Flux.range(0, 10).concatWith(Mono.never()).doOnCancel(() -> sourceCancelled.add("yes")),
                            3,
                            i -> i == 1 ? running : Mono.just(i))
                    .subscribe(hand);
            await(sleep(Duration.ofSeconds(1)));
            hand.cancel();
            await(sleep(Duration.ofSeconds(1)));
            assertThat(running.cancelled()).isTrue();
            assertThat(sourceCancelled).containsExactly("yes");
            assertThat(discarded).containsExactlyInAnyOrder(2, 3);
            assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
        });
    }

    @Test
    void aTaskThatAwaitsItAndIsCancelledGoesOnWhenAllThatRanHaveEnded() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            List<String> cleaned = new ArrayList<>();
            Mono<List<Integer>> results = mapConcurrent(
                            Flux.range(0, 2),
                            2,
                            i -> async(() -> {
                                try {
                                    return await(after(10, i));
                                } finally {
                                    await(sleep(Duration.ofSeconds(3)));
                                    cleaned.add("after " + loop.time().minus(start));
                                }
                            }))
                    .collectList();
            Task<List<Integer>> body = createTask(async(() -> await(results)));
            Task<List<Integer>> mono = createTask(results);
            await(sleep(Duration.ofSeconds(1)));
            for (Task<?> task : List.of(body, mono)) {
                task.cancel();
            }
            for (Task<?> task : List.of(body, mono)) {
                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
                assertThat(cleaned).hasSizeGreaterThanOrEqualTo(2);
            }
            assertThat(cleaned).hasSize(4).containsOnly("after PT4S");
        });
    }

    @Test
    void aChildThatIsCancelledIsAFailure() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> cancelled = new Future<>();
            cancelled.cancel("x");
            Future<Integer> running = new Future<>();
            assertThatThrownBy(() -> await(mapConcurrent(Flux.just(1, 2), 2, i -> i == 1 ? running : cancelled)
                            .then()))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("x");
            assertThat(running.cancelled()).isTrue();
        });
    }

    @Test
    void wantsAPositiveConcurrency() {
        assertThatThrownBy(() -> mapConcurrent(Flux.just(1), 0, Mono::just))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("positive");
    }

    @Test
    void aForgottenOneIsReportedAndItsSourceIsNot() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(MapConcurrentTest::forget);
            Collector.collectUntil(() ->
                    !log.forgotten("made at asyncio.MapConcurrentTest.forget(").isEmpty());
            assertThat(log.forgotten("made at asyncio.MapConcurrentTest.forget("))
                    .singleElement()
                    .asString()
                    .startsWith("Coroutine mapConcurrent(...) made at asyncio.MapConcurrentTest.forget(");
        }
    }

    private static void forget() {
        mapConcurrent(async(() -> 1), 1, Mono::just).hashCode();
    }

    @Test
    void unlimitedCostsNoMoreForEachItem() throws Exception {
        for (boolean ordered : new boolean[] {true, false}) {
            int n = 200_000;
            Asyncio.run(() -> {
                Flux<Integer> million = FluxMapConcurrent.of(
                        Flux.range(0, n), Integer.MAX_VALUE, i -> sleep(Duration.ZERO, i), ordered);
                assertThat(await(million.count())).isEqualTo(n);
            });
        }
    }

    @Test
    void manyItemsOneAtATimeNeedNoStack() {
        StepVerifier.create(mapConcurrent(Flux.range(0, 100_000), 1, i -> Mono.just(i))
                        .count())
                .expectNext(100_000L)
                .verifyComplete();
    }
}
