package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitTasks;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.LoopThread;
import asyncio.ReturnWhen;
import asyncio.Task;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Rate limiters compared with a simple model, and under threads. Regressions: resilience4j #822 (more permits in a
 * cycle than allowed, by rounding) and #314 (permits of cancelled waiters). {@code -Dasyncio.test.seed} replays.
 */
@Timeout(600)
class RateLimiterModelTest {
    /** 400 bodies a round, or more: most of the time goes by in starting their threads. */
    private static final int ROUNDS = Integer.getInteger("asyncio.test.rounds", 60);

    private static final long MILLI = 1_000_000;
    private static final long SECOND = 1000 * MILLI;

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());

    /** A caller that comes and may leave; times in nanoseconds, all of them different. */
    private static final class Caller {
        final int wants;
        final long comes;
        final long leaves;

        @Nullable Long granted;

        Caller(int wants, long comes, long leaves) {
            this.wants = wants;
            this.comes = comes;
            this.leaves = leaves;
        }
    }

    /** Returns the time at which each caller has its permits: the events in order, time in exact units. */
    private static List<@Nullable Long> model(List<Caller> callers, int permits, int burst) {
        TreeMap<Long, Runnable> events = new TreeMap<>();
        Deque<Caller> line = new ArrayDeque<>();
        Map<Caller, @Nullable Long> granted = new IdentityHashMap<>();
        for (Caller caller : callers) {
            events.put(caller.comes, () -> line.add(caller));
            if (caller.leaves < Long.MAX_VALUE) {
                events.put(caller.leaves, () -> line.remove(caller));
            }
        }
        long now = 0;
        long full = burst
                * SECOND; // a permit costs a second; a nanosecond adds as many units as there are permits in a period
        long credit = full;
        while (!events.isEmpty() || !line.isEmpty()) {
            long due = line.isEmpty()
                    ? Long.MAX_VALUE
                    : now + Math.max(0, (line.peek().wants * SECOND - credit + permits - 1) / permits);
            long next = events.isEmpty() ? Long.MAX_VALUE : events.firstKey();
            long at = Math.min(due, next);
            credit += (at - now) * permits;
            now = at;
            if (due <= next) {
                Caller first = line.remove();
                credit -= first.wants * SECOND;
                granted.put(first, now);
            } else {
                credit = line.isEmpty() ? Math.min(credit, full) : credit;
                events.pollFirstEntry().getValue().run();
            }
        }
        return callers.stream().<@Nullable Long>map(granted::get).toList();
    }

    @Test
    @DisplayName("as the model: first in, first out, to the nanosecond, and no trace of those who left")
    void asTheModel() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Random random = new Random(seed + round);
            int permits = 1 + random.nextInt(50);
            int burst = 1 + random.nextInt(8);
            List<Caller> callers = new ArrayList<>();
            List<Long> times = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                times.add(1 + i * 7 * MILLI + random.nextInt(6_000_000)); // no two at the same time
            }
            Collections.shuffle(times, random);
            for (int i = 0; i < 200; i++) {
                long one = times.get(2 * i);
                long other = times.get(2 * i + 1);
                callers.add(new Caller(
                        1 + random.nextInt(burst),
                        Math.min(one, other),
                        random.nextInt(3) == 0 ? Math.max(one, other) : Long.MAX_VALUE));
            }
            List<@Nullable Long> expected = model(callers, permits, burst);
            RateLimiter limiter = RateLimiter.of(permits, Duration.ofSeconds(1), burst);
            VirtualTime.run(() -> {
                long start = EventLoop.getRunningLoop().time().toNanos();
                List<Task<?>> tasks = new ArrayList<>();
                for (Caller caller : callers) {
                    Mono<Void> acquire = random.nextBoolean()
                            ? limiter.acquire(caller.wants)
                            : async(() -> await(limiter.acquire(caller.wants)));
                    tasks.add(createTask(async(() -> {
                        await(sleep(Duration.ofNanos(caller.comes)));
                        Task<Void> waiting = createTask(acquire.doOnSuccess(nothing -> caller.granted =
                                EventLoop.getRunningLoop().time().toNanos() - start));
                        if (caller.leaves < Long.MAX_VALUE) {
                            await(sleep(Duration.ofNanos(caller.leaves - caller.comes)));
                            waiting.cancel();
                        }
                        await(waitTasks(List.of(waiting), ReturnWhen.ALL_COMPLETED));
                    })));
                }
                await(gather(tasks));
            });
            assertThat(callers.stream().map(caller -> caller.granted))
                    .as("seed %d, round %d: %d per second, burst %d", seed, round, permits, burst)
                    .containsExactlyElementsOf(expected);
            assertThat(limiter.waiters()).isZero();
        }
    }

    @Test
    @DisplayName(
            "under threads, cancellations and limits: never more than the burst and what has come, and nobody is forgotten")
    void underThreads() throws Exception {
        System.out.printf("replay with -Dasyncio.test.seed=%d%n", seed);
        int perSecond = 20_000;
        int burst = 5;
        RateLimiter limiter = RateLimiter.of(perSecond, Duration.ofSeconds(1), burst);
        ConcurrentLinkedQueue<Long> grants = new ConcurrentLinkedQueue<>();
        AtomicInteger left = new AtomicInteger();
        List<LoopThread> loops = List.of(new LoopThread(), new LoopThread());
        long start = System.nanoTime();
        List<CompletableFuture<?>> all = new ArrayList<>();
        for (int party = 0; party < 8; party++) {
            Random random = new Random(seed + party);
            Mono<Void> one = Mono.defer(() -> {
                int n = 1 + random.nextInt(burst);
                Mono<Void> acquire = (random.nextInt(4) == 0
                                ? limiter.acquire(n, Duration.ofNanos(random.nextInt(400_000)))
                                : limiter.acquire(n))
                        .doOnSuccess(nothing -> grants.addAll(Collections.nCopies(n, System.nanoTime())));
                if (random.nextInt(4) == 0) {
                    return Mono.fromRunnable(() -> {
                        Disposable subscription = acquire.subscribe(null, error -> left.incrementAndGet());
                        for (int spin = random.nextInt(2_000); spin > 0; spin--) {
                            Thread.onSpinWait();
                        }
                        subscription.dispose();
                    });
                }
                return acquire.onErrorResume(error -> Mono.fromRunnable(left::incrementAndGet));
            });
            Mono<Void> many = one.repeat(499).then();
            all.add(
                    switch (party % 4) {
                        case 0 -> loops.get(0).loop.createTask(many).toFuture();
                        case 1 -> loops.get(1).loop.createTask(many).toFuture();
                        case 2 -> many.subscribeOn(Schedulers.boundedElastic()).toFuture();
                        default ->
                            loops.get(0)
                                    .loop
                                    .createTask(async(() -> {
                                        for (int i = 0; i < 500; i++) {
                                            await(one);
                                        }
                                    }))
                                    .toFuture();
                    });
        }
        for (CompletableFuture<?> party : all) {
            party.get(100, TimeUnit.SECONDS);
        }
        long elapsed = System.nanoTime() - start;
        for (LoopThread loop : loops) {
            loop.close();
        }
        assertThat(limiter.waiters()).as("seed %d", seed).isZero();
        assertThat(limiter.inners()).isEmpty();
        assertThat(left.get()).isPositive();
        assertThat((double) grants.size()).as("seed %d", seed).isLessThanOrEqualTo(burst + elapsed * 1e-9 * perSecond);
        assertThat(limiter.acquire(burst).toFuture()).succeedsWithin(10, TimeUnit.SECONDS);
    }
}
