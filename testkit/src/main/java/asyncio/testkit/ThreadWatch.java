package asyncio.testkit;

import asyncio.Leftover;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * Finds the threads that a test has started and not ended, and that would keep a JVM alive. The owner of a thread is
 * unknown, so it looks only if no other test of the testkit ran in the meantime.
 */
final class ThreadWatch {
    private static final long ENDING_MILLIS = 1_000;
    private static final AtomicInteger OPEN = new AtomicInteger();
    private static final AtomicLong BEGUN = new AtomicLong();

    private final boolean alone = OPEN.incrementAndGet() == 1;
    private final long number = BEGUN.incrementAndGet();
    private final Set<Thread> before = all();

    /** Returns the remaining threads, after giving those that are ending a moment. */
    List<Leftover> end() {
        boolean comparable = alone && BEGUN.get() == number;
        OPEN.decrementAndGet();
        List<Leftover> left = new ArrayList<>();
        if (!comparable) {
            return left;
        }
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(ENDING_MILLIS);
        for (Thread thread : all()) {
            if (!before.contains(thread) && !thread.isDaemon() && !endsBefore(deadline, thread)) {
                left.add(new Leftover(Leftover.Kind.THREAD, thread.toString(), null, List.of(thread.getStackTrace())));
            }
        }
        return left;
    }

    /** All threads, without their stacks, for which the JVM would be stopped. */
    private static Set<Thread> all() {
        ThreadGroup root = Thread.currentThread().getThreadGroup();
        for (ThreadGroup parent; (parent = root.getParent()) != null; ) {
            root = parent;
        }
        Thread[] threads = new Thread[64];
        for (int count; (count = root.enumerate(threads)) == threads.length; ) {
            threads = new Thread[count * 2]; // it silently drops threads that do not fit
        }
        return Arrays.stream(threads).filter(Objects::nonNull).collect(Collectors.toSet());
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
