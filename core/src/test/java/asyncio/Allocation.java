package asyncio;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Assumptions;

/**
 * Bytes that the calling thread allocates for each operation. Unlike times they hardly depend on the machine; the
 * savings of the JIT's escape analysis vary, so guards state an upper bound.
 */
public final class Allocation {
    private static final int ROUNDS = 5;

    /** A busy machine compiles late: the rounds last at least as long, and as the result falls. */
    private static final long NANOS = 200_000_000;

    private Allocation() {}

    /** The cost of the cheapest round so far. */
    private static final class Cheapest {
        private final long start = System.nanoTime();
        private double cost = Double.MAX_VALUE;
        private int rounds;
        private int lowered;

        boolean maySink() {
            return rounds < 1000 && (rounds < ROUNDS || rounds < lowered + ROUNDS || System.nanoTime() - start < NANOS);
        }

        void round(double cost) {
            rounds++;
            if (cost < 0.98 * this.cost) {
                lowered = rounds;
            }
            this.cost = Math.min(this.cost, cost);
        }
    }

    /** Returns the cost of the cheapest of some rounds, at least five; the first ones warm up. */
    public static double bytesPerOperation(int operations, Callable<?> round) throws Exception {
        Assumptions.assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported(),
                "this JVM does not count what a thread allocates");
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Cheapest cheapest = new Cheapest();
        while (cheapest.maySink()) {
            long before = threads.getCurrentThreadAllocatedBytes();
            round.call();
            cheapest.round((threads.getCurrentThreadAllocatedBytes() - before) / (double) operations);
        }
        return cheapest.cost;
    }

    /**
     * Like {@link #bytesPerOperation}, for all threads: bodies have their own. Other threads must be idle meanwhile.
     */
    public static double bytesPerOperationOfAllThreads(int operations, Callable<?> round) throws Exception {
        Assumptions.assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported(),
                "this JVM does not count what a thread allocates");
        Cheapest cheapest = new Cheapest();
        while (cheapest.maySink()) {
            Map<Long, Long> before = allocatedByEach();
            round.call();
            long allocated = 0;
            for (Map.Entry<Long, Long> thread : allocatedByEach().entrySet()) {
                allocated += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
            }
            cheapest.round(allocated / (double) operations);
        }
        return cheapest.cost;
    }

    /** Of live threads only: one that has ended meanwhile is not counted. */
    private static Map<Long, Long> allocatedByEach() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long[] ids = threads.getAllThreadIds();
        long[] bytes = threads.getThreadAllocatedBytes(ids);
        Map<Long, Long> all = new HashMap<>();
        for (int i = 0; i < ids.length; i++) {
            if (bytes[i] > 0) {
                all.put(ids[i], bytes[i]);
            }
        }
        return all;
    }
}
