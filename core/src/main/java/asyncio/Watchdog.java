package asyncio;

import asyncio.internal.loop.DaemonThreads;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A daemon thread that looks at every running loop a few times a second and reports, with the stack and while it lasts,
 * a loop that was handed to a thread which does not get to run (too few processors or carriers), and a step that keeps
 * the loop for long. It also lets the {@link LeakDetector} speak.
 *
 * <p>Nothing ends it while loops run: what the code that it calls throws is logged, and the next round is on time.
 */
final class Watchdog implements Runnable {
    private static final long PERIOD_NANOS = Duration.ofMillis(50).toNanos();
    private static final int ROUNDS_BEFORE_RETIRING = 40;
    private static final Map<Object, LongConsumer> LOOPS = new ConcurrentHashMap<>();
    /** Guarded by this class. */
    private static @Nullable Thread thread;

    private Watchdog() {}

    /**
     * Begins to look at a loop; {@link #unwatch} must follow, also if this throws since there is no thread to be had.
     *
     * @param look called in each round, with the nanoseconds since the last one
     */
    static void watch(Object loop, LongConsumer look) {
        LOOPS.put(loop, look);
        synchronized (Watchdog.class) {
            if (thread == null || !thread.isAlive()) {
                Thread watchdog = DaemonThreads.newThread(new Watchdog(), "asyncio-watchdog", 0);
                watchdog.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not of whoever came first
                watchdog.start();
                thread = watchdog;
            }
        }
    }

    static void unwatch(Object loop) {
        LOOPS.remove(loop);
    }

    @Override
    public void run() {
        long before = System.nanoTime();
        for (int idleRounds = 0; ; ) {
            LockSupport.parkNanos(PERIOD_NANOS);
            long now = System.nanoTime();
            // a machine that is busy, or a JVM that was stopped, is late here as well: that time is nobody's fault
            long passed = Math.min(now - before, 2 * PERIOD_NANOS);
            before = now;
            attempt(LeakDetector::report);
            for (LongConsumer look : LOOPS.values()) {
                attempt(() -> look.accept(passed));
            }
            idleRounds = LOOPS.isEmpty() ? idleRounds + 1 : 0;
            if (idleRounds > ROUNDS_BEFORE_RETIRING && retire()) {
                return;
            }
        }
    }

    /** Runs something that calls others' code, an exception handler or a logger: one that fails keeps nothing else. */
    private static void attempt(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            try {
                Log.error("An error in code that the watchdog of event loops called; the watchdog keeps running", e);
            } catch (Throwable again) {
                // no memory even to say so: the next round may have some
                Thread.onSpinWait();
            }
        }
    }

    private static synchronized boolean retire() {
        if (LOOPS.isEmpty()) {
            thread = null;
            return true;
        }
        return false;
    }
}
