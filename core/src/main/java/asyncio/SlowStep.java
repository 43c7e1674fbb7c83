package asyncio;

import asyncio.internal.loop.BodyThreads;
import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.LoopDriver;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The {@link Watchdog}'s record of one loop since it last made progress, which decides when to warn: for a step that
 * blocks, by the time that has passed; for one that computes, by the CPU time its thread has used, since on a busy
 * machine it may get none; for one that loads classes, only after a long time.
 */
final class SlowStep {
    static final long SLOW_CALLBACK_NANOS = millis("asyncio.debug.slow-callback", 100);
    private static final long UNCLAIMED_NANOS = millis("asyncio.watchdog.unclaimed", 100);
    private static final long STEP_NANOS = millis("asyncio.watchdog.step", 1000);

    /** While a JVM is this young, code is interpreted and classes are loaded, so computing steps may take longer. */
    private static final long YOUNG_NANOS = Duration.ofMinutes(1).toNanos();

    private static final int YOUNG_FACTOR = Long.getLong("asyncio.watchdog.step") == null ? 3 : 1;
    /** First uses load classes, which is slow and happens once. */
    private static final int LOADING_FACTOR = 10;
    /** On an overloaded machine, threads wait for processors. */
    private static final int BUSY_FACTOR = 5;
    /** After this many times the limit, a step is reported in any case. */
    private static final int LAST_FACTOR = 20;

    private static final int MOST_FRAMES = 40;
    private static final long LOADED = System.nanoTime();
    /** Limits the warnings of the whole process. */
    private static final RateLimit IN_A_MINUTE =
            new RateLimit(20, Duration.ofMinutes(1).toNanos());

    private final Object loop;
    private final LoopCore core;
    private final LoopDriver driver;
    private final LongSupplier limitNanos;
    private final ToLongFunction<Thread> cpuTime;
    private final LongSupplier slowNanos;
    private final Observer observer;
    private long progress = -1;
    /** The time since the last progress, without the time in which the watchdog itself did not get to run. */
    private long passedNanos;

    private boolean reported;
    /** The stack of the slow step that has not ended; null if there is none. */
    private @Nullable List<StackTraceElement> slowStack;
    /** The {@link Observer#current} at that time. */
    private @Nullable Object slowCurrent;

    /** The thread that holds the loop, and its CPU time when it was first seen to hold it in this step. */
    private @Nullable Thread holder;

    private long usedBefore;

    /**
     * Makes a record without observations.
     *
     * @param loop the name of the loop
     * @param limitNanos the time a step may take before a warning, or {@link Long#MAX_VALUE} for the default
     * @param slowNanos the time a step may take before the observer is told, regardless of whether it computes or
     *     blocks
     */
    SlowStep(
            Object loop,
            LoopCore core,
            LoopDriver driver,
            LongSupplier limitNanos,
            LongSupplier slowNanos,
            Observer observer,
            ToLongFunction<Thread> cpuTime) {
        this.loop = loop;
        this.core = core;
        this.driver = driver;
        this.limitNanos = limitNanos;
        this.slowNanos = slowNanos;
        this.observer = observer;
        this.cpuTime = cpuTime;
    }

    /** A receiver of slow steps and stuck loops; called on the watchdog's thread. */
    interface Observer {
        /** Returns whether {@link #slow} is wanted. */
        boolean wantsSlowSteps();

        /** Returns the task that holds the loop, or null. */
        @Nullable Object current();

        /** Called when a slow step has ended; its duration is accurate to about one period of the watchdog. */
        void slow(@Nullable Object current, long nanos, List<StackTraceElement> stack);

        /** Called when the loop has made no progress for the given time, which is also logged. */
        void stuck(boolean unclaimed, long nanos, List<StackTraceElement> stack);
    }

    private static long millis(String property, long otherwise) {
        return Duration.ofMillis(Long.getLong(property, otherwise)).toNanos();
    }

    /** Looks at the loop, the given time after the last look. */
    void look(long nanos) {
        long now = driver.progress();
        if (now != progress || core.isSelecting()) {
            tellOfSlowStep(nanos);
            progress = now;
            passedNanos = 0;
            reported = false;
            holder = null;
            return;
        }
        passedNanos += nanos;
        boolean unclaimed = driver.unclaimed() && BodyThreads.VIRTUAL;
        Thread thread = driver.holderThread();
        if (thread == null) {
            return;
        }
        if (slowStack == null && passedNanos >= slowNanos.getAsLong() && observer.wantsSlowSteps()) {
            slowStack = List.of(thread.getStackTrace());
            slowCurrent = observer.current();
        }
        if (reported) {
            return;
        }
        if (unclaimed) {
            if (passedNanos >= UNCLAIMED_NANOS * (isYoung() || CpuTime.isScarce() ? BUSY_FACTOR : 1)) {
                report(unclaimed(thread), true, thread.getStackTrace());
            }
        } else {
            lookAtStep(thread);
        }
    }

    /**
     * Reports the slow step. It started before the first look that saw it and ended after the last: one more period, on
     * average.
     */
    private void tellOfSlowStep(long nanos) {
        List<StackTraceElement> stack = slowStack;
        if (stack != null) {
            Object current = slowCurrent;
            slowStack = null;
            slowCurrent = null;
            observer.slow(current, passedNanos + nanos, stack);
        }
    }

    private void lookAtStep(Thread thread) {
        long limit = limit();
        if (thread != holder && passedNanos >= limit / 4) {
            holder = thread;
            usedBefore = cpuTime.applyAsLong(thread) - passedNanos; // all of that time may have been its own
        }
        if (passedNanos < limit) {
            return;
        }
        StackTraceElement[] stack = thread.getStackTrace();
        if (passedNanos < LAST_FACTOR * limit) {
            if (loadsClasses(stack)) {
                if (passedNanos < LOADING_FACTOR * limit) {
                    return;
                }
            } else if (!isBlocked(thread, stack)) {
                if (cpuTime.applyAsLong(thread) - usedBefore < limit * (isYoung() ? YOUNG_FACTOR : 1)) {
                    return;
                }
            }
        }
        report(step(stack), false, stack);
    }

    private static boolean isYoung() {
        return System.nanoTime() - LOADED < YOUNG_NANOS;
    }

    private long limit() {
        return Math.min(limitNanos.getAsLong(), STEP_NANOS);
    }

    /**
     * Returns whether the thread waits for something other than a processor: parked, asleep, at a monitor, or in a
     * system call.
     */
    private static boolean isBlocked(Thread thread, StackTraceElement[] stack) {
        return thread.getState() != Thread.State.RUNNABLE || stack.length > 0 && stack[0].isNativeMethod();
    }

    private static boolean loadsClasses(StackTraceElement[] stack) {
        return Arrays.stream(stack)
                .anyMatch(frame -> frame.getMethodName().equals("<clinit>")
                        || frame.getMethodName().equals("loadClass")
                        || frame.getClassName().equals("java.lang.invoke.MethodHandleNatives"));
    }

    // ---- reports

    private String unclaimed(Thread thread) {
        return loop + " was handed to thread " + thread + ", which has not run for " + millis(passedNanos)
                + " ms: all carriers of virtual threads are busy or pinned, or the machine is overloaded. Blocking and computing "
                + "belong on platform threads (toThread); -Dasyncio.bodies.kind=platform takes bodies off the carriers";
    }

    private String step(StackTraceElement[] stack) {
        return loop + " has been in one step for " + millis(passedNanos) + " ms: nothing else of this loop can run. "
                + (loadsClasses(stack)
                        ? "It is loading or initializing classes, as the first use of something big does: use it once before, "
                                + "or in toThread(...)"
                        : "Move blocking calls to toThread(...)");
    }

    private void report(String what, boolean unclaimed, StackTraceElement[] stack) {
        reported = true;
        observer.stuck(unclaimed, passedNanos, List.of(stack));
        int withheld = IN_A_MINUTE.pass(System.nanoTime());
        if (withheld == RateLimit.WITHHELD) {
            return;
        }
        StringBuilder text = new StringBuilder(what);
        if (withheld > 0) {
            text.append(". ").append(withheld).append(" earlier warnings of this kind were left out");
        }
        Arrays.stream(stack)
                .limit(MOST_FRAMES)
                .forEach(frame -> text.append("\n    at ").append(frame));
        Log.warn(text.toString(), null);
    }

    private static long millis(long nanos) {
        return nanos / 1_000_000;
    }
}
