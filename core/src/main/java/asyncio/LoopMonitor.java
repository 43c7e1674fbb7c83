package asyncio;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A monitor of one loop with virtual time: for test kits, which decide when a loop that has nothing to do is stuck. Set
 * with {@link EventLoopBuilder#monitor}.
 *
 * <p><b>Threading.</b> {@link #quietTime} and {@link #idle} are called by the thread that runs the loop, between two
 * ticks; {@link #forgotten} by any thread.
 */
public interface LoopMonitor {
    /**
     * Returns how long, in real time, IO must have been quiet before the loop counts as idle. Called whenever nothing
     * is ready and the time is not {@linkplain EventLoop#holdTime held}.
     *
     * @param timers whether there is a timer to jump to
     * @param outside whether events may come that the loop does not know of: a socket is open or, without a timer, a
     *     task awaits a Mono that is not of this library
     */
    Duration quietTime(boolean timers, boolean outside);

    /**
     * The loop is idle: nothing is ready, IO was quiet for the required time, and the time is not held. Callbacks that
     * are scheduled here run next, and {@link EventLoop#stop} ends the run; otherwise time jumps to the next timer or,
     * without one, the loop sleeps until another thread wakes it. An Error that is thrown here ends the run.
     *
     * @param nextTimer the time of the clock after the jump, or null
     */
    void idle(EventLoop loop, @Nullable Duration nextTimer);

    /** A coroutine of the loop was collected without having been awaited; called instead of logging a warning. */
    void forgotten(EventLoop loop, Leftover coroutine);
}
