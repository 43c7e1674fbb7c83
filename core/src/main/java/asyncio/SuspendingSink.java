package asyncio;

import reactor.core.publisher.Mono;

/**
 * A receiver of items whose source can wait until there is room: a bounded buffer, a queue.
 *
 * @param <T> the type of the items
 */
@FunctionalInterface
public interface SuspendingSink<T> {
    /**
     * Puts an item, and completes, empty, when it is in. Nothing happens until subscription; then it waits for room,
     * behind those who came before. Cancelling ends the waiting, and the item is not put; one that is in stays in.
     *
     * @return fails if nobody will take items any more
     */
    Mono<Void> put(T item);
}
