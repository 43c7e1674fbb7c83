package asyncio.benchmarks;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;

import asyncio.Asyncio;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import reactor.core.publisher.Mono;

/** Many tasks with a common end, and time limits that do not expire. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ScopeBenchmark {
    private static final int WAITS = 100_000;
    private static final int GROUP = 100_000;
    private static final Duration LIMIT = Duration.ofHours(1);

    /** Starts 10,000 Monos as tasks and gathers their results. */
    @Benchmark
    @OperationsPerInvocation(10_000)
    public int gather10k() throws Exception {
        return spawnAndGather(10_000);
    }

    @Benchmark
    @OperationsPerInvocation(100_000)
    public int gather100k() throws Exception {
        return spawnAndGather(100_000);
    }

    @Benchmark
    @OperationsPerInvocation(1_000_000)
    public int gather1M() throws Exception {
        return spawnAndGather(1_000_000);
    }

    private static int spawnAndGather(int count) throws Exception {
        return Asyncio.run(() -> {
            List<Mono<Integer>> monos = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                monos.add(Mono.fromSupplier(() -> 1));
            }
            List<Integer> results = await(gather(monos));
            return checked(results.size(), count);
        });
    }

    private static int checked(int actual, int expected) {
        if (actual != expected) {
            throw new IllegalStateException(actual + " results of " + expected);
        }
        return actual;
    }

    /** Starts 100,000 Monos as tasks of a group; its scope ends with the last of them. */
    @Benchmark
    @OperationsPerInvocation(GROUP)
    public int groupSpawn100k() throws Exception {
        return Asyncio.run(() -> {
            int[] ran = new int[1];
            await(TaskGroup.<Integer>scopeBody(group -> {
                for (int i = 0; i < GROUP; i++) {
                    group.createTask(Mono.fromSupplier(() -> ++ran[0]));
                }
                return GROUP;
            }));
            return checked(ran[0], GROUP);
        });
    }

    /** A limit around work that does not suspend, and so sets no timer. */
    @Benchmark
    @OperationsPerInvocation(WAITS)
    public int waitForImmediate() throws Exception {
        return Asyncio.run(() -> {
            int sum = 0;
            for (int i = 0; i < WAITS; i++) {
                sum += await(waitFor(Mono.fromSupplier(() -> 1), LIMIT));
            }
            return checked(sum, WAITS);
        });
    }

    /** A limit around a suspension: a timer set and cancelled, and a tick. */
    @Benchmark
    @OperationsPerInvocation(WAITS)
    public int waitForSuspending() throws Exception {
        return Asyncio.run(() -> {
            int sum = 0;
            for (int i = 0; i < WAITS; i++) {
                sum += await(waitFor(sleep(Duration.ZERO, 1), LIMIT));
            }
            return checked(sum, WAITS);
        });
    }
}
