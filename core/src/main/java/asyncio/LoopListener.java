package asyncio;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A listener to what happens in a loop, for meters, traces and logs of one's own; given to
 * {@link EventLoop#addListener}. A loop without a listener pays nothing for it, and no step of a loop reads a clock for
 * one: slow steps and lag are measured from outside, by the thread of the watchdog, which looks every 50 ms.
 *
 * <p><b>Threading.</b> {@link #taskCreated} and {@link #cancelRequested} are called by whichever thread creates or
 * cancels, {@link #taskEnded} and {@link #lagged} on the loop, {@link #stepSlow}, {@link #stuck} and
 * {@link #coroutineForgotten} by the watchdog's thread, {@link #exceptionUnhandled} as the loop's
 * {@linkplain EventLoop#setExceptionHandler exception handler} is. A listener must be quick, must not block, and sees
 * no particular ThreadLocals. One that throws is logged, and disturbs nothing else.
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
 * <p>asyncio: none; a task factory and the debug mode's log are what it has.
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
     * A task has ended; what waits for it on its loop resumes after this.
     *
     * @param exception the exception that it failed with or was cancelled by; null for a result. Looking at it here
     *     does not count as retrieving it
     */
    default void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {}

    /** The cancellation of a task was requested, which may refuse it; once for each request that counts. */
    default void cancelRequested(Task<?> task, @Nullable String message) {}

    /** An exception came up that nobody handles or has retrieved; before the exception handler is told. */
    default void exceptionUnhandled(EventLoop loop, ExceptionContext what) {}

    /** A coroutine was collected that was never awaited. */
    default void coroutineForgotten(EventLoop loop, Leftover coroutine) {}

    /**
     * A callback, a step of a task or the handling of IO has kept the loop for longer than
     * {@link EventLoop#getSlowCallbackDuration}; told when it is over.
     *
     * @param task the task that took the step, or null for a callback or IO
     * @param duration its length, to about 50 ms
     * @param stack its stack at some moment, innermost first
     */
    default void stepSlow(EventLoop loop, @Nullable Task<?> task, Duration duration, List<StackTraceElement> stack) {}

    /**
     * The loop makes no progress; told while that lasts, once, when the watchdog warns of it in the log.
     *
     * @param unclaimed true if the loop was handed to a thread that does not get to run, false if a step keeps it
     * @param duration the time for which it has lasted, to about 50 ms
     * @param stack of the thread that has the loop, innermost first
     */
    default void stuck(EventLoop loop, boolean unclaimed, Duration duration, List<StackTraceElement> stack) {}

    /**
     * The result of a probe, one a second while the loop runs: the time that a callback had to wait for its turn. Loops
     * whose time is virtual are not probed.
     */
    default void lagged(EventLoop loop, Duration lag) {}
}
