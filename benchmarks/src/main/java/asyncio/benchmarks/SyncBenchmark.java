package asyncio.benchmarks;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.sync.Barrier;
import asyncio.sync.Event;
import asyncio.sync.Lock;
import asyncio.sync.Permit;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import reactor.core.publisher.Mono;

/** Locks and related primitives on one loop; the rows with bodies change threads, those with Monos do not. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SyncBenchmark {
    private static final int FREE = 1_000_000;
    private static final int TASKS = 64;
    private static final int TURNS = 2_000;
    private static final int CONTENDED = TASKS * TURNS;
    private static final int CROWD = 1_000;
    private static final int ROUNDS = 100;
    private static final int MET = CROWD * ROUNDS;

    /** Takes a free lock and releases it, without a Mono. */
    @Benchmark
    @OperationsPerInvocation(FREE)
    public int lockTry() {
        Lock lock = new Lock();
        int taken = 0;
        for (int i = 0; i < FREE; i++) {
            if (lock.tryAcquire()) {
                taken++;
                lock.release();
            }
        }
        return taken;
    }

    /** A body awaits a free lock and releases it. */
    @Benchmark
    @OperationsPerInvocation(FREE)
    public void lockFree() throws Exception {
        Lock lock = new Lock();
        Asyncio.run(() -> {
            for (int i = 0; i < FREE; i++) {
                await(lock.acquire()).release();
            }
        });
    }

    /** 64 tasks share a lock, and yield while they hold it; Monos. */
    @Benchmark
    @OperationsPerInvocation(CONTENDED)
    public void lockContended() throws Exception {
        Lock lock = new Lock();
        runAll(
                TASKS,
                () -> lock.withLock(sleep(Duration.ZERO)).repeat(TURNS - 1).then());
    }

    /** The same with bodies. */
    @Benchmark
    @OperationsPerInvocation(CONTENDED)
    public void lockContendedBodies() throws Exception {
        Lock lock = new Lock();
        runAll(
                TASKS,
                () -> async(() -> {
                    for (int i = 0; i < TURNS; i++) {
                        Permit permit = await(lock.acquire());
                        await(sleep(Duration.ZERO));
                        permit.release();
                    }
                }));
    }

    /** 64 tasks share eight permits, and yield while they hold one; Monos. */
    @Benchmark
    @OperationsPerInvocation(CONTENDED)
    public void semaphoreContended() throws Exception {
        Semaphore semaphore = new Semaphore(8);
        runAll(
                TASKS,
                () -> semaphore
                        .withPermit(sleep(Duration.ZERO))
                        .repeat(TURNS - 1)
                        .then());
    }

    /** 1,000 tasks wait for one event; each is one await of a separate task. */
    @Benchmark
    @OperationsPerInvocation(MET)
    public void eventCrowd() throws Exception {
        Asyncio.run(() -> {
            for (int round = 0; round < ROUNDS; round++) {
                Event event = new Event();
                Mono<Void> set = event.await();
                List<Task<Void>> crowd = new ArrayList<>(CROWD);
                for (int i = 0; i < CROWD; i++) {
                    crowd.add(createTask(set));
                }
                await(sleep(Duration.ZERO));
                event.set();
                for (Task<Void> one : crowd) {
                    await(one);
                }
            }
        });
    }

    /** 1,000 parties meet 100 times; Monos. */
    @Benchmark
    @OperationsPerInvocation(MET)
    public void barrierCrowd() throws Exception {
        Barrier barrier = new Barrier(CROWD);
        runAll(CROWD, () -> barrier.await().repeat(ROUNDS - 1).then());
    }

    private static void runAll(int count, Supplier<Mono<Void>> coroutine) throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> tasks = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                tasks.add(createTask(coroutine.get()));
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
        });
    }
}
