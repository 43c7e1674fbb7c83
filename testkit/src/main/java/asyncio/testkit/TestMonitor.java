package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Log;
import asyncio.LoopMonitor;
import io.netty.util.concurrent.MockTicker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Decides what to do when a test's loop is idle, and collects the unhandled exceptions and forgotten coroutines of its
 * program.
 */
final class TestMonitor implements LoopMonitor {
    /** The time to wait for open sockets, which may still receive something, before a deadlock is assumed. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** The purpose of a run. */
    private enum Goal {
        /** To reach the end of a task. */
        TASK,
        /** To run everything up to a point in time, or everything there is. */
        TIME
    }

    private final MockTicker ticker;
    private final Duration ioGrace;
    private final Duration limit;
    private final String name;
    /** All fields from here on are used on the thread that runs the loop, or before and after it runs. */
    private final List<Future<Void>> settling = new ArrayList<>();

    private Goal goal = Goal.TASK;
    private @Nullable Duration until;
    /** Whether there is a timer at {@link #until}. */
    private boolean marked;

    private boolean outside;
    /** Whether the last run has ended in a report that names all tasks. */
    private volatile boolean stuck;

    private final List<Leftover> forgotten = new CopyOnWriteArrayList<>();
    private final List<Leftover> reported = new CopyOnWriteArrayList<>();

    TestMonitor(MockTicker ticker, String name, Duration ioGrace, Duration limit) {
        this.ticker = ticker;
        this.name = name;
        this.ioGrace = ioGrace;
        this.limit = limit;
    }

    // ---- the goal of a run

    void runForTask() {
        goal = Goal.TASK;
    }

    /** @param until the loop's time at which the run ends; null to end when there is no timer left */
    void runForTime(@Nullable Duration until) {
        goal = Goal.TIME;
        this.until = until;
        marked = false;
    }

    boolean stuck() {
        return stuck;
    }

    /** Returns a Future that completes when the loop is next idle. */
    Future<Void> settled(EventLoop loop) {
        Future<Void> settled = loop.createFuture();
        settling.add(settled);
        return settled;
    }

    // ---- idle

    @Override
    public Duration quietTime(boolean timers, boolean outside) {
        this.outside = outside;
        if (!outside) {
            return Duration.ZERO;
        }
        boolean givesUp = !timers && goal == Goal.TASK && settling.isEmpty();
        return givesUp && ioGrace.compareTo(PATIENCE) < 0 ? PATIENCE : ioGrace;
    }

    @Override
    public void idle(EventLoop loop, @Nullable Duration nextTimer) {
        if (!settling.isEmpty()) {
            List<Future<Void>> settled = List.copyOf(settling);
            settling.clear();
            settled.forEach(future -> future.trySetResult(null)); // a cancelled one is already done
            return;
        }
        if (goal == Goal.TASK) {
            if (nextTimer == null) {
                stuck = true;
                throw deadlock(loop);
            }
        } else if (nextTimer == null || until != null && nextTimer.compareTo(until) > 0) {
            if (until != null) {
                ticker.advance(until.minus(loop.time()).toNanos(), TimeUnit.NANOSECONDS);
            }
            loop.stop();
            return;
        } else if (until != null && !marked) {
            marked = true; // under a schedule a jump may pass a timer, but not one of Netty's
            loop.netty().schedule(() -> {}, until.minus(loop.time()).toNanos(), TimeUnit.NANOSECONDS);
        }
        Duration passed = nextTimer.minus(Duration.ofNanos(ticker.initialNanoTime()));
        if (passed.compareTo(limit) > 0) {
            stuck = true;
            throw new TimeLimitError(name + " is about to pass its limit of virtual time, " + limit
                    + ": the next timer is due at " + passed
                    + ". If the test is meant to last that long, raise the limit with @TimeLimit(virtual = ...). "
                    + "Otherwise some code sets timer after timer, and these tasks wait for something else:\n"
                    + loop.dumpTasks());
        }
    }

    private DeadlockError deadlock(EventLoop loop) {
        return new DeadlockError("Deadlock in " + name + " at virtual time "
                + loop.time().minusNanos(ticker.initialNanoTime())
                + ": nothing is ready, no timer is set, no other thread works for the loop, and "
                + (outside ? "nothing arrived from outside for a while" : "no socket is open")
                + ". A thread of yours that has yet to act must hold the time (TestClock.hold()). The tasks and their waits:\n"
                + loop.dumpTasks());
    }

    AssertionError interrupted(EventLoop loop, InterruptedException interrupt) {
        stuck = true;
        return new AssertionError(
                name + " was interrupted, for example by a timeout of JUnit. The tasks:\n" + loop.dumpTasks(),
                interrupt);
    }

    TimeLimitError tookTooLong(EventLoop loop, Duration limit) {
        stuck = true;
        return new TimeLimitError(name + " has not ended within its limit of real time, " + limit
                + ", at virtual time " + loop.time().minusNanos(ticker.initialNanoTime())
                + ": something blocks its loop or keeps it busy, or holds virtual time, as a live child process does,"
                + " and a thread that works for the loop; those are named below the tasks. "
                + "Raise the limit with @TimeLimit(real = ...). The tasks:\n"
                + loop.dumpTasks());
    }

    // ---- unobserved errors

    @Override
    public void forgotten(EventLoop loop, Leftover coroutine) {
        forgotten.add(coroutine);
    }

    /** The exception handler of a test's loop. */
    void reported(ExceptionContext what) {
        Object subject = what.task() != null ? what.task() : what.future() != null ? what.future() : what.handle();
        reported.add(new Leftover(
                Leftover.Kind.EXCEPTION,
                what.message()
                        + (subject == null ? "" : ": " + subject)
                        + (what.exception() == null ? "" : ": " + Log.text(what.exception())),
                what.exception(),
                what.sourceTraceback()));
    }

    List<Leftover> forgotten() {
        return forgotten;
    }

    List<Leftover> reported() {
        return reported;
    }
}
