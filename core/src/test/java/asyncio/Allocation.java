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

    private Allocation() {}

    /** Returns the cost of the cheapest of some rounds; the first ones warm up. */
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

    /**
     * Like {@link #bytesPerOperation}, for all threads: bodies have their own. Other threads must be idle meanwhile.
     */
    public static double bytesPerOperationOfAllThreads(int operations, Callable<?> round) throws Exception {
        Assumptions.assumeTrue(
                ManagementFactory.getThreadMXBean() instanceof ThreadMXBean threads
                        && threads.isThreadAllocatedMemorySupported(),
                "this JVM does not count what a thread allocates");
        double least = Double.MAX_VALUE;
        for (int i = 0; i < ROUNDS; i++) {
            Map<Long, Long> before = allocatedByEach();
            round.call();
            long allocated = 0;
            for (Map.Entry<Long, Long> thread : allocatedByEach().entrySet()) {
                allocated += thread.getValue() - before.getOrDefault(thread.getKey(), 0L);
            }
            least = Math.min(least, allocated / (double) operations);
        }
        return least;
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
