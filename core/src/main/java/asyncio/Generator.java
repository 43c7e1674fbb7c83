package asyncio;

/**
 * Straight-line code that emits items, and may {@link Asyncio#await}: the argument of {@link Asyncio#generate}.
 *
 * <p>asyncio: an {@code async def} with {@code yield}.
 *
 * @param <T> the type of the items
 * @since 0.1
 */
@FunctionalInterface
public interface Generator<T> {
    /** Emits all items, and returns; an exception becomes the error of the Flux, unwrapped. */
    void run(Emitter<T> emitter) throws Exception;
}
