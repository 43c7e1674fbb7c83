package asyncio.queue;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A broadcast in this process ({@link #of(Broadcast)}) or on a server shared by several machines, for code that must
 * work with either.
 *
 * <p>All implementations guarantee: nothing happens until subscription; a subscriber receives the items of one sender
 * in their order, and none twice; a subscriber that falls behind by more than its capacity fails, and delays neither
 * senders nor other subscribers; one that is cancelled leaves nothing behind.
 *
 * <p>The implementations specify whether a subscriber can miss an item, when it is subscribed, and the order of items
 * of several senders.
 *
 * <pre>{@code
 * Mono<Void> changed(AsyncBroadcast<String> prices, String article) { // AsyncBroadcast.of(new Broadcast<>()), a RedisBroadcast
 *     return prices.send(article).then();
 * }
 * }</pre>
 *
 * @param <T> the type of the items
 * @since 0.1.0
 */
public interface AsyncBroadcast<T> {
    /**
     * Returns a broadcast of this process with the methods of this interface. Both may be used. Its subscribers are
     * subscribed immediately, with {@link Broadcast.Overflow#DISCONNECT}, and miss nothing; its Fluxes also complete
     * when it is closed. A subscriber that is not on a loop runs on the thread that sends, and delays it.
     */
    static <T> AsyncBroadcast<T> of(Broadcast<T> broadcast) {
        return new BroadcastView<>(broadcast);
    }

    /** Sends an item to all subscribers of the moment. */
    Mono<?> send(T item);

    /**
     * Returns a Flux of the items sent from its subscription on. Cancelling it ends the subscription. Fails with
     * {@link SlowSubscriberException}, after the items that it has kept, if an item arrives while {@code capacity}
     * items wait to be requested.
     *
     * @throws IllegalArgumentException if the capacity is not positive
     */
    Flux<T> asFlux(int capacity);
}
