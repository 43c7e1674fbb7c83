package asyncio;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A listener for the events of a loop, for custom metrics, traces and logs; added with {@link EventLoop#addListener}. A
 * loop without a listener has no overhead, and no step of a loop reads a clock for one: slow steps and lag are measured
 * from outside, by the watchdog's thread, which checks every 50 ms.
 *
 * <p><b>Threading.</b> {@link #taskCreated} and {@link #cancelRequested} are called by the creating or cancelling
 * thread, {@link #taskEnded}, {@link #activityBegun} and {@link #lagged} on the loop, {@link #stepSlow}, {@link #stuck}
 * and {@link #coroutineForgotten} by the watchdog's thread, {@link #exceptionUnhandled} as the loop's
 * {@linkplain EventLoop#setExceptionHandler exception handler} is. A listener must be quick, must not block, and cannot
 * rely on ThreadLocals. An exception of a listener is logged and affects nothing else.
 *
 * <pre>{@code
 * loop.addListener(new LoopListener() {
 *     @Override
 *     public void taskEnded(Task<?> task, LoopListener.Outcome outcome, Throwable exception) {
 *         if (outcome == LoopListener.Outcome.EXCEPTION) {
 *             System.err.println(task.getName() + " failed: " + exception);
 *         }
 *     }
 * });
 * }</pre>
 *
 * <p>asyncio has none, only a task factory and the log of its debug mode.
 *
 * @since 0.1
 */
public interface LoopListener {
    /** The ways in which a task ends. */
    enum Outcome {
        /** With a result, or empty. */
        RESULT,
        /** With an exception. */
        EXCEPTION,
        /** Cancelled. */
        CANCELLED
    }

    /** A task was created, and will take its first step later, or at once if it is eager. */
    default void taskCreated(Task<?> task) {}

    /**
     * A task has ended; its waiters on its loop resume after this.
     *
     * @param exception the exception that it failed with or was cancelled by; null for a result. Reading it here does
     *     not count as retrieving it
     */
    default void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {}

    /**
     * The cancellation of a task was requested, which the task may refuse; called once for each request that counts.
     */
    default void cancelRequested(Task<?> task, @Nullable String message) {}

    /**
     * A connection or a run of a child process begins; called by the loop. A listener may put values into its
     * {@linkplain Activity#putContext context}.
     */
    default void activityBegun(Activity activity) {}

    /**
     * A connection or a run of a child process has ended, or could not begin. Called once, by the loop or by the thread
     * that cancels; also for activities that began before this listener was added.
     *
     * @param exception the exception that it failed with or was cancelled by, if there is one
     */
    default void activityEnded(Activity activity, Outcome outcome, @Nullable Throwable exception) {}

    /** An exception was neither handled nor retrieved; called before the exception handler. */
    default void exceptionUnhandled(EventLoop loop, ExceptionContext what) {}

    /** A coroutine was collected that was never awaited. */
    default void coroutineForgotten(EventLoop loop, Leftover coroutine) {}

    /**
     * A callback, a step of a task or the handling of IO has held the loop for longer than
     * {@link EventLoop#getSlowCallbackDuration}; called when it has ended.
     *
     * @param task the task that took the step, or null for a callback or IO
     * @param duration its length, to about 50 ms
     * @param stack its stack at some moment, innermost first
     */
    default void stepSlow(EventLoop loop, @Nullable Task<?> task, Duration duration, List<StackTraceElement> stack) {}

    /**
     * The loop makes no progress; called once while that lasts, when the watchdog logs its warning.
     *
     * @param unclaimed true if the loop was handed to a thread that does not get to run, false if a step holds it
     * @param duration the time for which it has lasted, to about 50 ms
     * @param stack the stack of the thread that has the loop, innermost first
     */
    default void stuck(EventLoop loop, boolean unclaimed, Duration duration, List<StackTraceElement> stack) {}

    /**
     * The result of a probe, one per second while the loop runs: the time that a callback had to wait for its turn.
     * Loops with virtual time are not probed.
     */
    default void lagged(EventLoop loop, Duration lag) {}
}
