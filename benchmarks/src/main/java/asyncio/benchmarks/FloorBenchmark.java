package asyncio.benchmarks;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;

/**
 * The JDK's own cost of the thread switches that {@link AwaitBenchmark} cannot avoid: the floor under its rows. Needs
 * Java 21, reached through a method handle because the benchmarks are built for 17.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FloorBenchmark {
    private static final int SPAWNS = 20_000;
    private static final int SWITCHES = 100_000;

    /**
     * The turn of the threads; a new one for each invocation, since the last thread of one may still run when the next
     * begins.
     */
    private static final class Turn {
        private volatile int turn;

        void await(int own) {
            while (turn != own) {
                LockSupport.park(this);
            }
        }

        void pass(int next, Thread peer) {
            turn = next;
            LockSupport.unpark(peer);
        }
    }

    /** A virtual thread starts another, which only wakes it up: the floor of {@code spawnJoin}. */
    @Benchmark
    @OperationsPerInvocation(SPAWNS)
    public void floorSpawnJoin() throws InterruptedException {
        Thread main = startVirtual(() -> {
            Thread parent = Thread.currentThread();
            for (int i = 0; i < SPAWNS; i++) {
                Turn turn = new Turn();
                startVirtual(() -> turn.pass(1, parent));
                turn.await(1);
            }
        });
        main.join();
    }

    /** Two virtual threads unpark each other; an operation is one hand-over: the floor of {@code pingPong}. */
    @Benchmark
    @OperationsPerInvocation(SWITCHES)
    public void floorPingPong() throws InterruptedException {
        Turn turn = new Turn();
        Thread main = startVirtual(() -> {
            Thread one = Thread.currentThread();
            Thread other = startVirtual(() -> handOver(turn, 1, 0, one));
            handOver(turn, 0, 1, other);
        });
        main.join();
    }

    private static void handOver(Turn turn, int own, int next, Thread peer) {
        for (int i = 0; i < SWITCHES / 2; i++) {
            turn.await(own);
            turn.pass(next, peer);
        }
    }

    private static final MethodHandle START_VIRTUAL = findStartVirtual();

    private static MethodHandle findStartVirtual() {
        try {
            return MethodHandles.publicLookup()
                    .findStatic(
                            Thread.class, "startVirtualThread", MethodType.methodType(Thread.class, Runnable.class));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    "The floor benchmarks need Java 21 or later, this is " + Runtime.version(), e);
        }
    }

    private static Thread startVirtual(Runnable main) {
        try {
            return (Thread) START_VIRTUAL.invokeExact(main);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
