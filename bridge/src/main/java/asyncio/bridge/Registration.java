package asyncio.bridge;

/**
 * Starts work that reports through a callback.
 *
 * <pre>{@code
 * Registration<Long> answer = callback -> new Thread(() -> callback.success(42L)).start();
 * Mono<Long> mono = Callbacks.mono(answer);
 * }</pre>
 *
 * @param <T> the type of the result
 */
@FunctionalInterface
public interface Registration<T> {
    /**
     * Starts the work; called once for each subscription, with the first request, on the subscriber's thread. The
     * callback may be used before this returns.
     *
     * @throws Exception if the work could not be started; the subscriber receives it, unless the callback was called
     *     first
     */
    void register(Callback<T> callback) throws Exception;
}
