package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.LoopThread;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Loops and plain threads share a primitive. */
@Timeout(120)
class SharedTest {
    private static final int LOOPS = 3;
    private static final int PARTIES = 8;
    private static final int ROUNDS = 2_000;

    private final List<LoopThread> loops = new ArrayList<>();
    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());

    @BeforeEach
    void start() {
        System.out.printf("replay with -Dasyncio.test.seed=%d%n", seed);
        for (int i = 0; i < LOOPS; i++) {
            loops.add(new LoopThread());
        }
    }

    @AfterEach
    void stop() throws Exception {
        for (LoopThread loop : loops) {
            loop.close();
        }
    }

    private interface Job {
        Mono<?> of(int party, Random random);
    }

    /** Runs the job for each party: in bodies, in tasks of operators, on Reactor's threads. */
    private void together(Job job) throws Exception {
        List<CompletableFuture<?>> all = IntStream.range(0, PARTIES)
                .<CompletableFuture<?>>mapToObj(party -> {
                    Mono<?> mono = Mono.defer(() -> job.of(party, new Random(seed + party)));
                    return switch (party % 3) {
                        case 0 ->
                            loops.get(party % LOOPS)
                                    .loop
                                    .createTask(async(() -> await(mono)))
                                    .toFuture();
                        case 1 ->
                            loops.get(party / 3 % LOOPS).loop.createTask(mono).toFuture();
                        default -> mono.subscribeOn(Schedulers.boundedElastic()).toFuture();
                    };
                })
                .toList();
        for (CompletableFuture<?> one : all) {
            one.get(100, TimeUnit.SECONDS);
        }
    }

    private static Mono<Void> repeat(Mono<?> mono) {
        return Flux.range(0, ROUNDS).concatMap(i -> mono, 1).then();
    }

    @ParameterizedTest
    @MethodSource("asyncio.sync.Kind#all")
    @DisplayName("no two hold it at the same time, and nobody is forgotten")
    void exclusion(Kind kind) throws Exception {
        boolean shared = kind instanceof Kind.OfLock of && of.lock() != of.other();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        int[] unguarded = new int[1];
        Mono<Integer> work = Mono.fromCallable(() -> {
            most.accumulateAndGet(inside.incrementAndGet(), Math::max);
            int count = unguarded[0];
            if (count % 64 == 0) {
                Thread.yield();
            }
            unguarded[0] = count + 1;
            return inside.decrementAndGet();
        });
        together((party, random) -> repeat(Mono.defer(() -> switch (random.nextInt(4)) {
            case 0 -> kind.with(work);
            case 1 ->
                async(() -> {
                    try (Permit permit = await(kind.acquire())) {
                        return work.block();
                    }
                });
            case 2 -> kind.with(sleep(Duration.ZERO).then(work));
            // before the value is signalled, which ends the party
            default -> kind.acquire().flatMap(permit -> work.doOnTerminate(permit::release));
        })));
        assertThat(kind.free()).isTrue();
        if (!shared) {
            assertThat(most.get()).isEqualTo(1);
            assertThat(unguarded[0]).isEqualTo(PARTIES * ROUNDS);
        }
    }

    @Test
    @DisplayName("never are more permits out than there are, and all come back")
    void conservation() throws Exception {
        int permits = 5;
        BoundedSemaphore semaphore = new BoundedSemaphore(permits);
        AtomicInteger out = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        together((party, random) -> repeat(Mono.defer(() -> {
            int n = 1 + random.nextInt(permits);
            return semaphore.withPermits(n, Mono.defer(() -> {
                most.accumulateAndGet(out.addAndGet(n), Math::max);
                Mono<Integer> work = Mono.fromCallable(() -> out.addAndGet(-n));
                return random.nextBoolean() ? work : sleep(Duration.ZERO).then(work);
            }));
        })));
        assertThat(most.get()).isBetween(1, permits);
        assertThat(out.get()).isZero();
        assertThat(semaphore).hasToString("<BoundedSemaphore [unlocked, value:5]>");
    }

    @Test
    @DisplayName("a ReadWriteLock: writers alone, readers among themselves")
    void readersAndWriters() throws Exception {
        ReadWriteLock lock = new ReadWriteLock();
        AtomicInteger readers = new AtomicInteger();
        AtomicInteger writers = new AtomicInteger();
        AtomicInteger wrong = new AtomicInteger();
        Mono<Integer> read = Mono.fromCallable(() -> {
            readers.incrementAndGet();
            wrong.addAndGet(writers.get());
            return readers.decrementAndGet();
        });
        Mono<Integer> write = Mono.fromCallable(() -> {
            wrong.addAndGet(writers.getAndIncrement() + readers.get());
            return writers.decrementAndGet();
        });
        together((party, random) -> repeat(Mono.defer(() -> random.nextInt(4) == 0
                ? lock.writeLock().withLock(write)
                : lock.readLock()
                        .withLock(
                                random.nextBoolean()
                                        ? read
                                        : sleep(Duration.ZERO).then(read)))));
        assertThat(wrong.get()).isZero();
        assertThat(lock).hasToString("<ReadWriteLock [unlocked]>");
    }

    @Test
    @DisplayName("a KeyedLock: each key excludes, and none stays behind")
    void keys() throws Exception {
        KeyedLock<Integer> locks = new KeyedLock<>();
        int[] unguarded = new int[3];
        AtomicInteger[] counts = {new AtomicInteger(), new AtomicInteger(), new AtomicInteger()};
        together((party, random) -> repeat(Mono.defer(() -> {
            int key = random.nextInt(3);
            counts[key].incrementAndGet();
            return locks.withLock(key, Mono.fromCallable(() -> unguarded[key]++));
        })));
        for (int key = 0; key < 3; key++) {
            assertThat(unguarded[key]).isEqualTo(counts[key].get());
        }
        assertThat(locks.size()).isZero();
    }

    @Test
    @DisplayName("an Event: everyone who came before set() goes on")
    void events() throws Exception {
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            events.add(new Event());
        }
        together((party, random) -> Flux.range(0, ROUNDS)
                .concatMap(
                        i -> i % PARTIES == party
                                ? Mono.fromRunnable(() -> events.get(i).set())
                                : events.get(i).await(),
                        1)
                .then());
        assertThat(events).allMatch(event -> event.isSet() && event.waiters() == 0);
    }

    @Test
    @DisplayName("a Condition: each signal wakes one, who takes the one item")
    void condition() throws Exception {
        Condition condition = new Condition();
        int[] items = new int[1];
        AtomicInteger taken = new AtomicInteger();
        together((party, random) -> repeat(condition
                .lock()
                .withLock(
                        party < PARTIES / 2
                                ? Mono.fromRunnable(() -> {
                                    items[0]++;
                                    condition.signal();
                                })
                                : condition.awaitUntil(() -> items[0] > 0).then(Mono.fromRunnable(() -> {
                                    items[0]--;
                                    taken.incrementAndGet();
                                })))));
        assertThat(taken.get()).isEqualTo(PARTIES / 2 * ROUNDS);
        assertThat(items[0]).isZero();
        assertThat(condition).hasToString("<Condition [unlocked]>");
    }

    @Test
    @DisplayName("a Barrier: nobody is a round ahead, and each index comes once a round")
    void barrier() throws Exception {
        Barrier barrier = new Barrier(PARTIES);
        AtomicInteger arrived = new AtomicInteger();
        AtomicInteger sum = new AtomicInteger();
        AtomicInteger wrong = new AtomicInteger();
        together((party, random) -> Flux.range(0, ROUNDS)
                .concatMap(
                        round -> Mono.fromCallable(arrived::incrementAndGet)
                                .then(barrier.await())
                                .doOnNext(index -> {
                                    sum.addAndGet(index);
                                    if (arrived.get() < (round + 1) * PARTIES) {
                                        wrong.incrementAndGet();
                                    }
                                }),
                        1)
                .then());
        assertThat(wrong.get()).isZero();
        assertThat(sum.get()).isEqualTo(ROUNDS * PARTIES * (PARTIES - 1) / 2);
        assertThat(barrier).hasToString("<Barrier [filling, waiters:0/8]>");
    }

    @Test
    @DisplayName("a Barrier that is reset and aborted at random times: everyone passes or hears of it")
    void brokenBarrier() throws Exception {
        Barrier barrier = new Barrier(PARTIES - 1);
        AtomicInteger over = new AtomicInteger();
        CompletableFuture<Void> done = new CompletableFuture<>();
        CompletableFuture<?> breaker = CompletableFuture.runAsync(() -> {
            Random random = new Random(seed);
            while (!done.isDone()) {
                if (random.nextInt(3) == 0) {
                    barrier.abort();
                }
                Thread.yield();
                barrier.reset();
            }
        });
        together((party, random) -> repeat(Mono.defer(() -> barrier.await())
                .onErrorReturn(BrokenBarrierException.class, -1)
                .doOnNext(index -> over.incrementAndGet())));
        done.complete(null);
        breaker.get(10, TimeUnit.SECONDS);
        barrier.reset();
        assertThat(over.get()).isEqualTo(PARTIES * ROUNDS);
        assertThat(barrier).hasToString("<Barrier [filling, waiters:0/7]>");
        assertThat(barrier.inners()).isEmpty();
    }
}
