package asyncio;

import reactor.core.publisher.Mono;

/**
 * A receiver of items that lets the sender wait until there is room: a bounded buffer, a queue.
 *
 * <pre>{@code
 * SuspendingSink<String> sink = new Queue<String>(8)::put;
 * await(sink.put("line")); // suspends while eight items wait
 * }</pre>
 *
 * @param <T> the type of the items
 */
@FunctionalInterface
public interface SuspendingSink<T> {
    /**
     * Puts an item, and completes empty when it is in. Nothing happens until subscription; then it waits for room,
     * behind earlier putters. Cancelling ends the waiting, and the item is not put; an item that is already in stays
     * in.
     *
     * @return fails if no more items will be taken
     */
    Mono<Void> put(T item);
}
