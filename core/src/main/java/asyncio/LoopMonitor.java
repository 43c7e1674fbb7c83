package asyncio;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Watches one loop with virtual time: for test kits, which decide when a loop that has nothing to do is stuck. Given to
 * {@link EventLoopBuilder#monitor}.
 *
 * <p><b>Threading.</b> {@link #quietTime} and {@link #idle} are called by the thread that runs the loop, between two
 * ticks; {@link #forgotten} by any thread.
 */
public interface LoopMonitor {
    /**
     * Returns how long, in real time, IO must have been quiet before the loop counts as idle. Asked whenever nothing is
     * ready and nobody {@link EventLoop#holdTime holds} the time.
     *
     * @param timers whether there is a timer to jump to
     * @param outside whether something may come that the loop does not know of: a socket is open or, without a timer, a
     *     task awaits a Mono that is not this library's
     */
    Duration quietTime(boolean timers, boolean outside);

    /**
     * The loop is idle: nothing is ready, IO was quiet for as long as it had to be, and nobody holds the time. What is
     * scheduled here runs next, and {@link EventLoop#stop} ends the run; otherwise time jumps to the next timer or,
     * without one, the loop sleeps until another thread wakes it. An Error that is thrown here ends the run.
     *
     * @param nextTimer what the clock will be after the jump, or null
     */
    void idle(EventLoop loop, @Nullable Duration nextTimer);

    /**
     * A coroutine of the loop was never awaited, as the garbage collector has found; instead of a warning in the log.
     */
    void forgotten(EventLoop loop, Leftover coroutine);
}
