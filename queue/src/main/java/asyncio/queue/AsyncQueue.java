package asyncio.queue;

import asyncio.SuspendingSink;
import java.time.Duration;
import java.util.function.Function;
import reactor.core.publisher.Mono;

/**
 * A queue held in this process ({@link #of(Queue)}) or on a server shared by several machines, for code that must work
 * with either.
 *
 * <p>All implementations guarantee: nothing happens until subscription; {@link #put} waits for room; an item that was
 * put is processed, unless {@code shutdown(true)} drops it; the queue is {@linkplain #join joined} when all items are
 * done; after {@link #shutdown} a put either fails, or its item is one of those that are processed; a deadline is part
 * of the waiter; a {@link #process} that is cancelled while it waits loses no item.
 *
 * <p>The implementations specify the order of items and of waiters, whether a put that is cancelled may have put its
 * item, and the fate of an item if its work fails or is cancelled: it is done, or it is processed again. An item may
 * therefore be processed more than once.
 *
 * <p>Getting an item and being done with it are one method, since an item on a server is leased. Both queues have a
 * {@code get} of their own.
 *
 * <pre>{@code
 * Mono<Void> worker(AsyncQueue<String> pages) { // AsyncQueue.of(new Queue<>(100)), a RedisQueue
 *     return pages.process(page -> Mono.fromRunnable(() -> System.out.println(page)))
 *             .repeat()
 *             .onErrorComplete(QueueShutDownException.class)
 *             .then();
 * }
 * }</pre>
 *
 * @param <T> the type of the items
 * @since 0.1.0
 */
public interface AsyncQueue<T> extends SuspendingSink<T> {
    /**
     * Returns a queue of this process with the methods of this interface. Both may be used. Its items are done when
     * their work has ended, regardless of how.
     */
    static <T> AsyncQueue<T> of(Queue<T> queue) {
        return new QueueView<>(queue);
    }

    /**
     * Puts an item as soon as there is room, and completes empty.
     *
     * <p>Fails with {@link QueueShutDownException} if the queue is shut down before or while it waits.
     *
     * <p>asyncio: {@code Queue.put}.
     */
    @Override
    Mono<Void> put(T item);

    /**
     * Like {@link #put(Object)}, but fails with {@link java.util.concurrent.TimeoutException} if there is no room
     * within {@code limit}; the item is then not in the queue. With a limit of zero or less it does not wait.
     */
    Mono<Void> put(T item, Duration limit);

    /**
     * Gets an item as soon as there is one, processes it, and is done with it when the work has ended without an error.
     *
     * <p>Fails with the error of the work; with {@link QueueShutDownException} if the queue is shut down and has no
     * item left to process.
     *
     * <p>asyncio: {@code Queue.get}, {@code Queue.task_done}.
     *
     * @param work the function that processes the item
     */
    <R> Mono<R> process(Function<? super T, ? extends Mono<R>> work);

    /** Completes empty when every item that was put is done. asyncio: {@code Queue.join}. */
    Mono<Void> join();

    /**
     * Rejects items from now on, and completes empty; those in the queue are still processed. Putters that wait fail
     * with {@link QueueShutDownException}, and so do those that wait for an item when none is left. Calling it again
     * changes nothing.
     *
     * <p>asyncio: {@code Queue.shutdown}.
     */
    default Mono<Void> shutdown() {
        return shutdown(false);
    }

    /**
     * Like {@link #shutdown()}.
     *
     * @param immediate whether to drop the items in the queue too: they count as done; those that are being processed
     *     stay
     */
    Mono<Void> shutdown(boolean immediate);

    /** Returns whether the queue is shut down. */
    Mono<Boolean> isShutdown();
}
