package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.generate;

import asyncio.queue.Broadcast;
import asyncio.queue.BroadcastSubscription;
import asyncio.queue.Queue;
import asyncio.queue.Watch;
import asyncio.sync.RateLimiter;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import reactor.core.publisher.Flux;

/** The time and memory of an item on its way through a rendezvous, a broadcast, a watch, a generator; of a permit. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FlowBenchmark {
    private static final int ITEMS = 200_000;
    private static final Integer ITEM = 42;

    /** One puts and one gets, each by {@code repeat}, on one loop: Kotlin's {@code Channel(RENDEZVOUS)}. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object rendezvousMonos(LoopState state) throws Exception {
        Queue<Integer> queue = Queue.rendezvous();
        return state.loop.runUntilComplete(gather(
                queue.put(ITEM).repeat(ITEMS - 1).then(),
                queue.get().repeat(ITEMS - 1).then()));
    }

    /** The same in two bodies. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object rendezvousBodies(LoopState state) throws Exception {
        Queue<Integer> queue = Queue.rendezvous();
        return state.loop.runUntilComplete(gather(
                async(() -> {
                    for (int i = 0; i < ITEMS; i++) {
                        await(queue.put(ITEM));
                    }
                }),
                async(() -> {
                    for (int i = 0; i < ITEMS; i++) {
                        await(queue.get());
                    }
                })));
    }

    /** One sends to two, with buffers for 64: Kotlin's {@code MutableSharedFlow(extraBufferCapacity = 64)}. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object broadcast(LoopState state) throws Exception {
        Broadcast<Integer> broadcast = new Broadcast<>();
        try (BroadcastSubscription<Integer> one = broadcast.subscribe(64);
                BroadcastSubscription<Integer> other = broadcast.subscribe(64)) {
            return state.loop.runUntilComplete(gather(
                    broadcast.send(ITEM).repeat(ITEMS - 1).then(),
                    one.get().repeat(ITEMS - 1).then(),
                    other.get().repeat(ITEMS - 1).then()));
        }
    }

    /** The same to two Fluxes. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object broadcastFluxes(LoopState state) throws Exception {
        Broadcast<Integer> broadcast = new Broadcast<>();
        Flux<Integer> items = broadcast.asFlux(64, Broadcast.Overflow.SUSPEND).take(ITEMS);
        return state.loop.runUntilComplete(gather(
                items.then(),
                items.then(),
                broadcast.send(ITEM).repeat(ITEMS - 1).then()));
    }

    /** A value that is set, and waited for, by turns: Kotlin's {@code StateFlow}. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object watch(LoopState state) throws Exception {
        Watch<Integer> there = new Watch<>(0);
        Watch<Integer> back = new Watch<>(0);
        return state.loop.runUntilComplete(gather(
                async(() -> {
                    for (int i = 1; i <= ITEMS / 2; i++) {
                        there.set(i);
                        int turn = i;
                        await(back.until(value -> value == turn));
                    }
                }),
                async(() -> {
                    for (int i = 1; i <= ITEMS / 2; i++) {
                        int turn = i;
                        await(there.until(value -> value == turn));
                        back.set(i);
                    }
                })));
    }

    /** Straight-line code that emits: Kotlin's {@code flow { emit(it) }}. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object generator(LoopState state) throws Exception {
        return state.loop.runUntilComplete(generate(emitter -> {
                    for (int i = 0; i < ITEMS; i++) {
                        await(emitter.emit(ITEM));
                    }
                })
                .then());
    }

    /** A permit that is there: resilience4j's and Guava's {@code RateLimiter}. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public int rateLimiterTry() {
        RateLimiter limiter = RateLimiter.of(1_000_000_000, Duration.ofSeconds(1), 1_000_000_000);
        int taken = 0;
        for (int i = 0; i < ITEMS; i++) {
            if (limiter.tryAcquire()) {
                taken++;
            }
        }
        return taken;
    }

    /** The same as a Mono. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object rateLimiterMonos(LoopState state) throws Exception {
        RateLimiter limiter = RateLimiter.of(1_000_000_000, Duration.ofSeconds(1), 1_000_000_000);
        return state.loop.runUntilComplete(limiter.acquire().repeat(ITEMS - 1).then());
    }
}
