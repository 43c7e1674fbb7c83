package asyncio;

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;

/**
 * The subscription of a Mono that knows how to be awaited: what a source that owns its values (a lock, a queue, a
 * reader) passes to {@code onSubscribe}, so that a {@link Task} can cancel it without losing a value or an asynchronous
 * end.
 *
 * <p>A task that awaits a Mono with any other subscription disposes it when the task is cancelled, and resumes on the
 * loop's next tick; a value that had come but was not taken goes to {@code Operators.onDiscard}.
 *
 * <p>Threading: both methods may be called from any thread, {@link #giveBack} on the task's loop.
 *
 * @param <T> the type of the value
 */
public interface AwaitedSubscription<T> extends Subscription {
    /**
     * Asks the source to end. Unlike {@link #cancel()} this is a request: when it returns true, the source signals its
     * end as usual, at once or later (a condition first re-acquires its lock), with {@code onError(new
     * CancelledException(message))} or, if it finished all the same, with its value.
     *
     * @return false if the subscription has already ended, so that the request came too late
     */
    boolean requestCancel(@Nullable String message);

    /**
     * Takes back a value that was signalled, but whose task was cancelled before it resumed. Called at most once,
     * instead of the value's use: a permit goes to the next waiter, an item to the head of the queue.
     */
    void giveBack(T value);
}
