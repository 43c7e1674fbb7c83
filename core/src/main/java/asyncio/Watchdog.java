package asyncio;

import asyncio.internal.loop.DaemonThreads;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A daemon thread that checks every running loop about 20 times a second and reports, with the stack and while it
 * lasts, a loop that was handed to a thread that does not get to run (too few processors or carriers), and a step that
 * holds the loop for long. It also triggers the reports of the {@link LeakDetector}.
 *
 * <p>Nothing ends it while loops run: exceptions of the code it calls are logged, and the next round is on time.
 */
final class Watchdog implements Runnable {
    private static final long PERIOD_NANOS = Duration.ofMillis(50).toNanos();
    private static final int ROUNDS_BEFORE_RETIRING = 40;
    private static final Map<Object, LongConsumer> LOOPS = new ConcurrentHashMap<>();
    /** Guarded by this class. */
    private static @Nullable Thread thread;

    private Watchdog() {}

    /**
     * Begins to check a loop; {@link #unwatch} must follow, even if this throws because no thread can be started.
     *
     * @param look called in each round, with the nanoseconds since the last one
     */
    static void watch(Object loop, LongConsumer look) {
        LOOPS.put(loop, look);
        synchronized (Watchdog.class) {
            if (thread == null || !thread.isAlive()) {
                Thread watchdog = DaemonThreads.newThread(new Watchdog(), "asyncio-watchdog", 0);
                watchdog.setContextClassLoader(ClassLoader.getSystemClassLoader()); // not that of the first caller
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
            // on a busy machine, or after a pause of the JVM, this thread is late as well: no loop is to blame for that
            // time
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

    /**
     * Runs an action that calls foreign code, an exception handler or a logger; its failure must not stop the watchdog.
     */
    private static void attempt(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            try {
                Log.error("An error in code that the watchdog of event loops called; the watchdog keeps running", e);
            } catch (Throwable again) {
                // no memory even to log it: the next round may have some
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
