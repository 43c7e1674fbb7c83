package asyncio.sync;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A lock for each key, held in this process ({@link KeyedLock}) or on a server shared by several machines, for code
 * that must work with either. The guarantees are those of {@link AsyncLock}.
 *
 * <pre>{@code
 * Mono<Long> alone(AsyncKeyedLock<String> locks, String account, Mono<Long> work) { // a KeyedLock, a RedisKeyedLock
 *     return locks.withLock(account, work);
 * }
 * }</pre>
 *
 * @param <K> the type of the keys
 * @since 0.1
 */
public interface AsyncKeyedLock<K> {
    /** Returns the lock of a key. */
    AsyncLock lock(K key);

    /** Runs {@code work} while holding the lock of the key; see {@link AsyncLock#withLock(Mono)}. */
    <T> Mono<T> withLock(K key, Mono<T> work);

    /** Runs {@code work} while holding the lock of the key; see {@link AsyncLock#withLock(Flux)}. */
    <T> Flux<T> withLock(K key, Flux<T> work);
}
