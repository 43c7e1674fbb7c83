package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;

import asyncio.queue.PriorityQueue;
import asyncio.queue.Queue;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/** The time and memory of one item that is put and got. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class QueueBenchmark {
    private static final int ITEMS = 400_000;
    private static final Integer ITEM = 42;

    /** The size of a queue; 0 for no limit. */
    @State(Scope.Thread)
    public static class Size {
        @Param({"1", "64", "0"})
        int maxsize;

        Queue<Integer> queue() {
            return maxsize == 0 ? Queue.unbounded() : new Queue<>(maxsize);
        }
    }

    /** One puts and one gets, each by {@code repeat}, on one loop. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object monos(LoopState state, Size size) throws Exception {
        Queue<Integer> queue = size.queue();
        return state.loop.runUntilComplete(gather(
                queue.put(ITEM).repeat(ITEMS - 1).then(),
                queue.get().repeat(ITEMS - 1).then()));
    }

    /** The same in two bodies. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object bodies(LoopState state, Size size) throws Exception {
        Queue<Integer> queue = size.queue();
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

    /** From a Flux into a Flux, which takes batches. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object flux(LoopState state, Size size) throws Exception {
        Queue<Integer> queue = size.queue();
        return state.loop.runUntilComplete(gather(
                queue.putAll(Flux.range(0, ITEMS)).then(Mono.<Void>fromRunnable(queue::shutdown)),
                queue.asFlux().then()));
    }

    /** One puts and one gets, each on one of Reactor's threads. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object threads(Size size) {
        Queue<Integer> queue = size.queue();
        Scheduler threads = Schedulers.parallel();
        return Mono.zip(
                        queue.put(ITEM).repeat(ITEMS - 1).subscribeOn(threads).count(),
                        queue.get().repeat(ITEMS - 1).subscribeOn(threads).count())
                .block();
    }

    /** Four put and four get, on one loop, through a queue of 64. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public @Nullable Object fourByFour(LoopState state) throws Exception {
        Queue<Integer> queue = new Queue<>(64);
        List<Mono<Void>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(queue.put(ITEM).repeat(ITEMS / 4 - 1).then());
            all.add(queue.get().repeat(ITEMS / 4 - 1).then());
        }
        return state.loop.runUntilComplete(gather(all));
    }

    /** Fills a priority queue at random and drains it. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public int priority() {
        PriorityQueue<Integer> queue = PriorityQueue.unbounded();
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < ITEMS; i++) {
            queue.putNowait(random.nextInt());
        }
        int last = 0;
        for (int i = 0; i < ITEMS; i++) {
            last = queue.getNowait();
        }
        return last;
    }
}
