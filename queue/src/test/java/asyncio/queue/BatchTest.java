package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.LoopThread;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Several items at once: up to a maximum number, within a time after the first. */
@Timeout(60)
class BatchTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    private static Queue<Integer> filled(int... items) {
        Queue<Integer> queue = Queue.unbounded();
        for (int item : items) {
            queue.putNowait(item);
        }
        return queue;
    }

    private static <T> Mono<T> styled(boolean body, Mono<T> mono) {
        return body ? async(() -> await(mono)) : mono;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("what is there, up to max, without a wait")
    void there(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = filled(1, 2, 3, 4, 5);
            Duration start = now();
            assertThat(await(styled(body, queue.getBatch(3, SECOND)))).containsExactly(1, 2, 3);
            assertThat(await(styled(body, queue.getBatch(9, Duration.ZERO)))).containsExactly(4, 5);
            assertThat(now()).isEqualTo(start);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("the time counts from the first item, and a full batch does not wait for it")
    void fromTheFirst(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            Duration start = now();
            Task<List<Integer>> first = createTask(styled(body, queue.getBatch(10, SECOND)));
            await(sleep(Duration.ofSeconds(10)));
            for (int i = 0; i < 3; i++) {
                await(queue.put(i));
                await(sleep(Duration.ofMillis(400)));
            }
            assertThat(await(first)).containsExactly(0, 1, 2);
            assertThat(now().minus(start))
                    .as("0 at 10 s, 1 at 10.4 s, 2 at 10.8 s")
                    .isEqualTo(Duration.ofMillis(11_200));

            Task<List<Integer>> full = createTask(styled(body, queue.getBatch(2, SECOND)));
            await(queue.put(3));
            await(sleep(Duration.ofMillis(1)));
            assertThat(full.done()).isFalse();
            await(queue.put(4));
            Duration then = now();
            assertThat(await(full)).containsExactly(3, 4);
            assertThat(now()).isEqualTo(then);
        });
    }

    @Test
    @DisplayName("of a bounded queue it lets putters in while it collects")
    void letsPuttersIn() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(2);
            Task<Void> putter = createTask(queue.putAll(Flux.range(0, 100)));
            assertThat(await(queue.getBatch(50, SECOND))).hasSize(50);
            assertThat(await(queue.getBatch(50, SECOND)))
                    .containsExactlyElementsOf(IntStream.range(50, 100).boxed().toList());
            await(putter);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("cancelled while it collects: all back at the head, in order")
    void cancelled(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = filled(1, 2);
            Task<List<Integer>> batch = createTask(styled(body, queue.getBatch(10, SECOND)));
            tick();
            tick();
            queue.putNowait(3);
            assertThat(queue.isEmpty()).isTrue();
            batch.cancel();
            queue.putNowait(4); // not for a cancelled getter
            tick();
            tick();
            assertThat(batch.cancelled()).isTrue();
            assertThat(queue).hasToString("<Queue maxsize=0 items=[1, 2, 3, 4] tasks=4>");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("(13c) cancelled between the last item and its next step: all back as well, or to those who wait")
    void grantedAndCancelled(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = filled();
            Task<List<Integer>> batch = createTask(styled(body, queue.getBatch(3, SECOND)));
            tick();
            tick();
            Task<Integer> next = createTask(queue.get());
            tick();
            for (int i = 1; i <= 4; i++) {
                queue.putNowait(i);
            }
            batch.cancel();
            tick();
            tick();
            assertThat(batch.cancelled()).isTrue();
            assertThat(await(next)).isEqualTo(4);
            assertThat(queue).hasToString("<Queue maxsize=0 items=[1, 2, 3] tasks=4>");
        });
        onLoop(() -> {
            Queue<Integer> queue = filled();
            Task<List<Integer>> batch = createTask(styled(body, queue.getBatch(2, SECOND)));
            tick();
            tick();
            Task<Integer> next = createTask(queue.get());
            tick();
            queue.putNowait(1);
            batch.cancel();
            assertThat(await(next)).isEqualTo(1);
            assertThat(queue.isEmpty()).isTrue();
        });
    }

    @Test
    @DisplayName("while it collects it keeps its place: those behind it wait")
    void keepsItsPlace() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.unbounded();
            Task<List<Integer>> batch = createTask(queue.getBatch(2, SECOND));
            tick();
            Task<Integer> behind = createTask(queue.get());
            tick();
            assertThat(queue).hasToString("<Queue maxsize=0 getters[2]>");
            queue.putNowait(1);
            tick();
            assertThat(behind.done()).isFalse();
            assertThat(queue.tryGet()).isNull();
            queue.putNowait(2);
            queue.putNowait(3);
            assertThat(await(batch)).containsExactly(1, 2);
            assertThat(await(behind)).isEqualTo(3);
            batch = createTask(queue.getBatch(2, SECOND));
            tick();
            behind = createTask(queue.get());
            queue.putNowait(4);
            assertThat(await(batch)).containsExactly(4);
            queue.putNowait(5);
            assertThat(await(behind)).isEqualTo(5);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a shutdown gives it what it has, and with nothing it fails or ends")
    void shutdown(boolean body) throws Exception {
        onLoop(() -> {
            for (boolean immediate : new boolean[] {true, false}) {
                Queue<Integer> queue = filled(1);
                Task<List<Integer>> some = createTask(styled(body, queue.getBatch(2, SECOND)));
                tick();
                tick();
                Task<List<Integer>> nothing = createTask(styled(body, queue.nextBatch(2, SECOND)));
                Task<List<Integer>> fails = createTask(styled(body, queue.getBatch(2, SECOND)));
                tick();
                tick();
                Duration start = now();
                queue.shutdown(immediate);
                assertThat(await(some)).containsExactly(1);
                assertThat(await(nothing)).isNull();
                assertThatThrownBy(() -> await(fails)).isInstanceOf(QueueShutDownException.class);
                assertThat(now()).isEqualTo(start);
            }
            Queue<Integer> left = filled(1, 2, 3);
            left.shutdown();
            assertThat(await(styled(body, left.getBatch(2, SECOND)))).containsExactly(1, 2);
            assertThat(await(styled(body, left.nextBatch(2, SECOND)))).containsExactly(3);
            assertThat(await(styled(body, left.nextBatch(2, SECOND)))).isNull();
        });
    }

    @Test
    @DisplayName("those of a PriorityQueue and a LifoQueue come in their order, and go back to their places")
    void otherOrders() throws Exception {
        onLoop(() -> {
            Queue<Integer> least = PriorityQueue.unbounded();
            Queue<Integer> last = LifoQueue.unbounded();
            for (int item : new int[] {3, 1, 2}) {
                least.putNowait(item);
                last.putNowait(item);
            }
            for (Queue<Integer> queue : List.of(least, last)) {
                Task<?> cancelled = createTask(queue.getBatch(9, SECOND));
                tick();
                assertThat(queue.isEmpty()).isTrue();
                cancelled.cancel();
                tick();
                tick();
            }
            assertThat(await(least.getBatch(9, Duration.ZERO))).containsExactly(1, 2, 3);
            assertThat(await(last.getBatch(9, Duration.ZERO))).containsExactly(2, 1, 3);
        });
    }

    @Test
    @DisplayName("what cannot be is refused at the call")
    void refused() {
        Queue<Integer> queue = Queue.unbounded();
        assertThatThrownBy(() -> queue.getBatch(0, SECOND))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not 0");
        assertThatThrownBy(() -> queue.asBatches(1, Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-0.001S");
    }

    @Test
    @DisplayName("reactor-core #1557, #2236, #3012: without demand nothing is collected, so nothing overflows")
    void noDemandNoBatch() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(4);
            createTask(queue.putAll(Flux.range(0, 10)));
            List<List<Integer>> got = new ArrayList<>();
            StepVerifier.create(queue.asBatches(2, SECOND), 0)
                    .expectSubscription()
                    .thenCancel()
                    .verify();
            await(queue.asBatches(2, SECOND)
                    .concatMap(batch -> sleep(Duration.ofMinutes(1)).thenReturn(batch), 1)
                    .doOnNext(got::add)
                    .take(5)
                    .then());
            assertThat(got).containsExactly(List.of(0, 1), List.of(2, 3), List.of(4, 5), List.of(6, 7), List.of(8, 9));
        });
    }

    @Test
    @DisplayName("reactor-core #4377: a batch that is neither full nor out of time is not emitted for new demand")
    void noPartialBatchForDemand() {
        VirtualTimeScheduler time = VirtualTimeScheduler.getOrSet();
        try {
            Queue<Integer> queue = filled(0, 1, 2);
            StepVerifier.create(queue.asBatches(2, SECOND.multipliedBy(10)), 1)
                    .expectNext(List.of(0, 1))
                    .thenRequest(1)
                    .then(() -> time.advanceTimeBy(Duration.ofMillis(9_999)))
                    .then(() -> queue.putNowait(3))
                    .expectNext(List.of(2, 3))
                    .thenRequest(1)
                    .then(() -> queue.putNowait(4))
                    .then(() -> time.advanceTimeBy(Duration.ofSeconds(10)))
                    .expectNext(List.of(4))
                    .then(queue::shutdown)
                    .thenRequest(1)
                    .verifyComplete();
        } finally {
            VirtualTimeScheduler.reset();
        }
    }

    @Test
    @DisplayName("reactor-core #4185: a batch may be as large as a number can be")
    void huge() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = filled(1, 2);
            assertThat(await(queue.getBatch(
                                    Integer.MAX_VALUE,
                                    Duration.ofSeconds(Long.MAX_VALUE).dividedBy(2))
                            .timeout(
                                    SECOND,
                                    Mono.just(List.of()),
                                    EventLoop.getRunningLoop().scheduler())))
                    .isEmpty();
            assertThat(await(queue.getBatch(Integer.MAX_VALUE, SECOND))).containsExactly(1, 2);
        });
    }

    @Test
    @DisplayName("a loop that is closed over a batch does not keep the items of a subscriber")
    void loopClosed() throws Exception {
        Queue<Integer> queue = filled(1, 2);
        List<List<Integer>> got = new ArrayList<>();
        EventLoop loop = EventLoop.newEventLoop();
        loop.callSoon(() -> queue.getBatch(9, Duration.ofHours(1)).subscribe(got::add));
        loop.runUntilComplete(sleep(Duration.ZERO));
        assertThat(got).isEmpty();
        loop.close();
        assertThat(got).containsExactly(List.of(1, 2));
    }

    @Test
    @DisplayName("under threads, cancellations and short times nothing is lost and nothing there twice")
    void conservation() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        System.out.printf("replay with -Dasyncio.test.seed=%d%n", seed);
        int items = 60_000;
        Queue<Integer> queue = new Queue<>(20);
        BitSet seen = new BitSet();
        AtomicInteger wrong = new AtomicInteger();
        AtomicInteger cancelled = new AtomicInteger();
        List<LoopThread> loops = List.of(new LoopThread(), new LoopThread());
        try {
            List<CompletableFuture<?>> getters = new ArrayList<>();
            for (int party = 0; party < 6; party++) {
                Random random = new Random(seed + party);
                Mono<Boolean> one = Mono.defer(() -> {
                    Mono<List<Integer>> batch = random.nextInt(4) == 0
                            ? queue.next().map(List::of)
                            : queue.nextBatch(1 + random.nextInt(8), Duration.ofNanos(random.nextInt(100_000)));
                    Mono<Boolean> taken = batch.doOnNext(list -> {
                                synchronized (seen) {
                                    for (int i = 0; i < list.size(); i++) {
                                        if (seen.get(list.get(i)) || list.size() > 8) {
                                            wrong.incrementAndGet();
                                        }
                                        seen.set(list.get(i));
                                    }
                                }
                            })
                            .hasElement();
                    if (random.nextInt(3) == 0) {
                        return Mono.fromCallable(() -> {
                            Disposable subscription = taken.subscribe();
                            for (int spin = random.nextInt(1_000); spin > 0; spin--) {
                                Thread.onSpinWait();
                            }
                            subscription.dispose();
                            cancelled.incrementAndGet();
                            return true;
                        });
                    }
                    return taken;
                });
                Mono<Void> all = one.repeat(() -> !(queue.isShutdown() && queue.isEmpty()))
                        .then();
                getters.add((party % 3 == 2
                                ? all.subscribeOn(Schedulers.boundedElastic())
                                : loops.get(party % 3).loop.createTask(all))
                        .toFuture());
            }
            List<CompletableFuture<Void>> putters = Stream.of(0, 1)
                    .map(k -> queue.putAll(Flux.range(0, items / 2).map(i -> 2 * i + k))
                            .subscribeOn(Schedulers.boundedElastic())
                            .toFuture())
                    .toList();
            for (CompletableFuture<Void> putter : putters) {
                putter.get(50, TimeUnit.SECONDS);
            }
            queue.shutdown();
            for (CompletableFuture<?> getter : getters) {
                getter.get(20, TimeUnit.SECONDS);
            }
        } finally {
            for (LoopThread loop : loops) {
                loop.close();
            }
        }
        for (Integer left; !queue.isEmpty() && (left = queue.tryGet()) != null; ) { // given back after the last getter
            wrong.addAndGet(seen.get(left) ? 1 : 0);
            seen.set(left);
        }
        assertThat(wrong).as("seed %d", seed).hasValue(0);
        assertThat(seen.cardinality()).as("seed %d", seed).isEqualTo(items);
        assertThat(cancelled.get()).isPositive();
    }
}
