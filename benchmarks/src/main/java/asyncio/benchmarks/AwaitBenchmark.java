package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import asyncio.Body;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import reactor.core.publisher.Mono;

/** Bodies that await. Each invocation is one {@link Asyncio#run}; the operations share its cost. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class AwaitBenchmark {
    private static final int DONE = 1_000_000;
    private static final int SWITCHES = 100_000;
    private static final int SPAWNS = 20_000;
    private static final int ALL = 100_000;

    /** Awaits a Future that is done. */
    @Benchmark
    @OperationsPerInvocation(DONE)
    public int awaitDone() throws Exception {
        return Asyncio.run(() -> {
            Future<Integer> done = EventLoop.getRunningLoop().createFuture();
            done.setResult(1);
            int sum = 0;
            for (int i = 0; i < DONE; i++) {
                sum += await(done);
            }
            return sum;
        });
    }

    /** One task yields, with no other to run. */
    @Benchmark
    @OperationsPerInvocation(SWITCHES)
    public void sleepZero() throws Exception {
        Asyncio.run(yields(SWITCHES));
    }

    /** Two tasks yield to each other. */
    @Benchmark
    @OperationsPerInvocation(SWITCHES)
    public void pingPong() throws Exception {
        Asyncio.run(() -> {
            Task<Void> one = createTask(async(yields(SWITCHES / 2)));
            Task<Void> other = createTask(async(yields(SWITCHES / 2)));
            await(one);
            await(other);
        });
    }

    private static Body yields(int times) {
        return () -> {
            for (int i = 0; i < times; i++) {
                await(sleep(Duration.ZERO));
            }
        };
    }

    /** Awaits a Future that a callback of the next tick completes. */
    @Benchmark
    @OperationsPerInvocation(SWITCHES)
    public int futureNextTick() throws Exception {
        return Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            int sum = 0;
            for (int i = 0; i < SWITCHES; i++) {
                Future<Integer> future = loop.createFuture();
                loop.callSoon(() -> future.setResult(1));
                sum += await(future);
            }
            return sum;
        });
    }

    /** Starts a body as a task and awaits it, one after the other. */
    @Benchmark
    @OperationsPerInvocation(SPAWNS)
    public int spawnJoin() throws Exception {
        return Asyncio.run(() -> {
            int sum = 0;
            for (int i = 0; i < SPAWNS; i++) {
                sum += await(createTask(async(() -> 1)));
            }
            return sum;
        });
    }

    /** Starts 100,000 bodies, then awaits all. */
    @Benchmark
    @OperationsPerInvocation(ALL)
    public int spawnAllBodies() throws Exception {
        return Asyncio.run(() -> spawnAll(() -> async(() -> 1)));
    }

    /** Like {@link #spawnAllBodies}, with tasks that are Monos and need no thread. */
    @Benchmark
    @OperationsPerInvocation(ALL)
    public int spawnAllMonos() throws Exception {
        return Asyncio.run(() -> spawnAll(() -> Mono.fromSupplier(() -> 1)));
    }

    private interface Coroutines {
        Mono<Integer> next();
    }

    private static int spawnAll(Coroutines coroutines) throws Exception {
        @SuppressWarnings({"unchecked", "rawtypes"})
        Task<Integer>[] tasks = new Task[ALL];
        for (int i = 0; i < ALL; i++) {
            tasks[i] = createTask(coroutines.next());
        }
        int sum = 0;
        for (Task<Integer> task : tasks) {
            sum += await(task);
        }
        return sum;
    }
}
