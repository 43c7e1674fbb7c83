package asyncio;

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;

/**
 * The subscription of a Mono that supports being awaited: a source that owns its values (a lock, a queue, a reader)
 * passes it to {@code onSubscribe}, so that a {@link Task} can cancel it without losing a value or an asynchronous end.
 *
 * <p>A task that awaits a Mono with any other subscription disposes it when the task is cancelled, and resumes on the
 * loop's next tick; a value that had arrived but was not taken goes to {@code Operators.onDiscard}.
 *
 * <p>Threading: {@link #requestCancel} may be called from any thread, the others are called on the task's loop.
 *
 * @param <T> the type of the value
 */
public interface AwaitedSubscription<T> extends Subscription {
    /**
     * Asks the source to end. Unlike {@link #cancel()} this is a request: when it returns true, the source signals its
     * end as usual, at once or later (a condition first re-acquires its lock), with
     * {@link CancelledException#of(EventLoop, String)} or, if it has finished nevertheless, with its value.
     *
     * @return false if the subscription has already ended, so that the request came too late
     */
    boolean requestCancel(@Nullable String message);

    /**
     * Called once when the task has resumed and takes the signalled value, unless {@link #giveBack} is called; on the
     * task's loop. The value cannot be taken back from then on.
     *
     * @param value the signalled value; null if it ended empty
     * @return the value that the task gets, usually the same
     * @throws Exception the exception that the task gets instead, if the source has withdrawn the value since; a
     *     {@link Spurious} one only if {@link #mayBeSpurious}
     */
    default @Nullable T take(@Nullable T value) throws Exception {
        return value;
    }

    /**
     * Takes back the value that was signalled to a task that was cancelled before it resumed. Called at most once,
     * instead of {@link #take}: a permit goes to the next waiter, an item to the head of the queue.
     *
     * @param value null if it ended empty
     */
    void giveBack(@Nullable T value);

    /** Returns whether {@link #take} may find nothing, and fail with a {@link Spurious} exception. */
    default boolean mayBeSpurious() {
        return false;
    }

    /**
     * An exception of {@link #take} by a source that signalled for nothing, as an operating system may: a task without
     * a body awaits the Mono once more. A body gets the exception.
     */
    interface Spurious {}
}
