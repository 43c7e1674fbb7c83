package asyncio;

/**
 * Straight-line code that emits items, and may {@link Asyncio#await}: the argument of {@link Asyncio#generate}.
 *
 * <pre>{@code
 * Generator<Integer> ticks = emitter -> {
 *     for (int i = 0; i < 3; i++) {
 *         await(sleep(Duration.ofSeconds(1)));
 *         await(emitter.emit(i));
 *     }
 * };
 * Flux<Integer> flux = generate(ticks);
 * }</pre>
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
