package asyncio;

import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A daemon thread that looks at every running loop a few times a second and reports, with the stack and while it lasts,
 * a loop that was handed to a thread which does not get to run (too few processors or carriers), and a step that keeps
 * the loop for long. It also lets the {@link LeakDetector} speak.
 */
final class Watchdog implements Runnable {
    private static final long PERIOD_NANOS = Duration.ofMillis(50).toNanos();
    private static final long UNCLAIMED_NANOS =
            Duration.ofMillis(Long.getLong("asyncio.watchdog.unclaimed", 100)).toNanos();
    /** First steps load classes and may take their time. */
    private static final long SLOW_STEP_NANOS =
            Duration.ofMillis(Long.getLong("asyncio.watchdog.step", 1000)).toNanos();

    private static final int MOST_FRAMES = 40;
    private static final Map<EventLoop, Observation> LOOPS = new ConcurrentHashMap<>();
    private static @Nullable Thread thread;

    private Watchdog() {}

    /** What was seen when the loop last made progress. */
    private static final class Observation {
        long progress = -1;
        long since;
        boolean reported;
    }

    static void watch(EventLoop loop) {
        LOOPS.put(loop, new Observation());
        synchronized (Watchdog.class) {
            if (thread == null) {
                thread = new Thread(null, new Watchdog(), "asyncio-watchdog", 0, false);
                thread.setDaemon(true);
                thread.start();
            }
        }
    }

    static void unwatch(EventLoop loop) {
        LOOPS.remove(loop);
    }

    @Override
    public void run() {
        for (int idleRounds = 0; ; ) {
            LockSupport.parkNanos(PERIOD_NANOS);
            try {
                LeakDetector.report();
                LOOPS.forEach(Watchdog::look);
            } catch (Throwable e) {
                // an exception handler's or a logger's; nobody would watch the loops any more
                Log.error("An error in what the watchdog of event loops called, which goes on", e);
            }
            idleRounds = LOOPS.isEmpty() ? idleRounds + 1 : 0;
            if (idleRounds > 40 && retire()) {
                return;
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

    private static void look(EventLoop loop, Observation seen) {
        long now = System.nanoTime();
        long progress = loop.driver.progress;
        if (progress != seen.progress || loop.core.selecting) {
            seen.progress = progress;
            seen.since = now;
            seen.reported = false;
            return;
        }
        boolean unclaimed = loop.driver.unclaimed() && BodyThreads.VIRTUAL;
        if (seen.reported || now - seen.since < (unclaimed ? UNCLAIMED_NANOS : slowStepNanos(loop))) {
            return;
        }
        seen.reported = true;
        Thread holder = loop.driver.holderThread();
        StackTraceElement[] stack = holder == null ? new StackTraceElement[0] : holder.getStackTrace();
        if (!unclaimed && loadsClasses(stack)) {
            return; // the first use of something big
        }
        Log.warn(
                (unclaimed
                                ? loop + " was handed to thread " + holder + ", which has not run for "
                                        + millis(now - seen.since)
                                        + " ms: all carriers of virtual threads are busy or pinned, or the machine is overloaded. Blocking and computing "
                                        + "belong on platform threads (toThread); -Dasyncio.bodies=platform takes bodies off the carriers"
                                : loop + " has been in one step for " + millis(now - seen.since)
                                        + " ms: nothing else of this loop can run. "
                                        + "Move blocking calls to toThread(...)")
                        + text(stack),
                null);
    }

    private static long slowStepNanos(EventLoop loop) {
        return loop.getDebug() ? Math.min(loop.slowCallbackNanos(), SLOW_STEP_NANOS) : SLOW_STEP_NANOS;
    }

    private static boolean loadsClasses(StackTraceElement[] stack) {
        return Arrays.stream(stack).anyMatch(frame -> frame.getMethodName().equals("<clinit>"));
    }

    private static long millis(long nanos) {
        return nanos / 1_000_000;
    }

    private static String text(StackTraceElement[] stack) {
        StringBuilder text = new StringBuilder();
        Arrays.stream(stack)
                .limit(MOST_FRAMES)
                .forEach(frame -> text.append("\n    at ").append(frame));
        return text.toString();
    }
}
