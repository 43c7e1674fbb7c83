package asyncio;

import reactor.core.publisher.Mono;

/**
 * The object to which the body of a {@linkplain Asyncio#generate generator} emits its items.
 *
 * <p>asyncio: {@code yield} in an {@code async def}.
 *
 * @param <T> the type of the items
 * @since 0.1
 */
public interface Emitter<T> {
    /**
     * Delivers an item, and completes empty when the subscriber requests the next one. Nothing happens until
     * subscription. From then on the item belongs to the subscriber: if it can no longer be delivered, it goes to
     * {@code Operators.onDiscard}.
     *
     * <p><b>Cancelling.</b> When the subscription to the generator is cancelled, or the program ends, this fails with a
     * {@link CancelledException}, and so does each further call. Cancelling this Mono itself ends the wait; the item is
     * still delivered, unless the subscriber had not requested it.
     *
     * <p><b>Threading.</b> For use on the loop of the generator, by its body and by tasks that the body has started
     * there. One call at a time; for several producers put a queue in between.
     *
     * @return a Mono that fails with an {@link IllegalStateException} if the previous call has not completed, after the
     *     body has returned, or on another thread
     * @throws NullPointerException if the item is null
     */
    Mono<Void> emit(T item);
}
