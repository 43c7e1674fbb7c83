package asyncio.testkit;

import asyncio.Leftover;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Finds the threads that a test has started and not ended: those that would keep a JVM alive. Nobody can tell whose a
 * thread is, so it looks only if no other test of the testkit ran meanwhile.
 */
final class ThreadWatch {
    private static final long ENDING_MILLIS = 1_000;
    private static final AtomicInteger OPEN = new AtomicInteger();
    private static final AtomicLong BEGUN = new AtomicLong();

    private final boolean alone = OPEN.incrementAndGet() == 1;
    private final long number = BEGUN.incrementAndGet();
    private final Set<Thread> before = Thread.getAllStackTraces().keySet();

    /** Those left, after a moment for those that are ending. */
    List<Leftover> end() {
        boolean comparable = alone && BEGUN.get() == number;
        OPEN.decrementAndGet();
        List<Leftover> left = new ArrayList<>();
        if (!comparable) {
            return left;
        }
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ENDING_MILLIS);
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (!before.contains(thread) && !thread.isDaemon() && !endsBefore(deadline, thread)) {
                left.add(new Leftover(Leftover.Kind.THREAD, thread.toString(), null, List.of(thread.getStackTrace())));
            }
        }
        return left;
    }

    private static boolean endsBefore(long deadline, Thread thread) {
        try {
            thread.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return !thread.isAlive();
    }
}
