package asyncio;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Assumptions;

/**
 * Bytes that the calling thread allocates for each operation. Unlike times they hardly depend on the machine; what the
 * JIT's escape analysis saves comes and goes, so guards say what they may be at most.
 */
public final class Allocation {
    private static final int ROUNDS = 5;

    private Allocation() {}

    /** What the cheapest of some rounds costs; the first ones warm up. */
    public static double bytesPerOperation(int operations, Callable<?> round) throws Exception {
        Assumptions.assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported(),
                "this JVM does not count what a thread allocates");
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        double least = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            round.call();
            least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / (double) operations);
        }
        return least;
    }

    /** As {@link #bytesPerOperation}, of all threads: bodies have their own. Other threads are to be idle meanwhile. */
    public static double bytesPerOperationOfAllThreads(int operations, Callable<?> round) throws Exception {
        Assumptions.assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported(),
                "this JVM does not count what a thread allocates");
        double least = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            long before = allocatedByAll();
            round.call();
            least = Math.min(least, (allocatedByAll() - before) / (double) operations);
        }
        return least;
    }

    private static long allocatedByAll() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return Arrays.stream(threads.getThreadAllocatedBytes(threads.getAllThreadIds()))
                .filter(bytes -> bytes > 0)
                .sum();
    }
}
