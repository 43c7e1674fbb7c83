package asyncio;

import reactor.core.publisher.Mono;

/**
 * The side of a {@linkplain Asyncio#generate generator} that its body emits items to.
 *
 * <p>asyncio: {@code yield} in an {@code async def}.
 *
 * @param <T> the type of the items
 * @since 0.1
 */
public interface Emitter<T> {
    /**
     * Delivers an item, and completes, empty, when the subscriber wants the next one. Nothing happens until
     * subscription. The item is the subscriber's from then on: one that cannot be delivered any more goes to
     * {@code Operators.onDiscard}.
     *
     * <p><b>Cancelling.</b> When the subscription to the generator is cancelled, or the program ends, this fails with a
     * {@link CancelledException}, and so does each further call. Cancelling this itself ends the waiting; the item is
     * delivered all the same, unless the subscriber had not asked for it.
     *
     * <p><b>Threading.</b> For the loop of the generator: its body, and tasks that this has started there. One at a
     * time; for several producers put a queue in between.
     *
     * @return fails with an {@link IllegalStateException} before the call before it has returned, after the body has,
     *     or on another thread
     * @throws NullPointerException if the item is null
     */
    Mono<Void> emit(T item);
}
