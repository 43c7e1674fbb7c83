package asyncio.redis;

import asyncio.sync.AsyncKeyedLock;
import java.util.Objects;
import java.util.function.Function;
import org.redisson.api.RedissonClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A {@link RedisLock}, with its fencing tokens, for each key: work on the same key runs sequentially on all machines,
 * work on different keys concurrently.
 *
 * <p>A lock that is free uses no memory on the server, but its tokens do: their counter, a small key, must stay there
 * for each key that was ever locked.
 *
 * <pre>{@code
 * RedisKeyedLock<UserId> locks = RedisKeyedLock.of(redisson, "user", UserId::toString);
 *
 * await(locks.withLock(order.user(), charge(order)));
 * }</pre>
 *
 * @param <K> the type of the keys
 * @since 0.1
 */
public final class RedisKeyedLock<K> implements AsyncKeyedLock<K> {
    private final RedissonClient redisson;
    private final String name;
    private final Function<? super K, String> text;

    private RedisKeyedLock(RedissonClient redisson, String name, Function<? super K, String> text) {
        this.redisson = redisson;
        this.name = name;
        this.text = text;
    }

    /**
     * Returns the locks of this name, without contacting the server.
     *
     * @param text the text of a key, the same on all machines and different for different keys
     */
    public static <K> RedisKeyedLock<K> of(RedissonClient redisson, String name, Function<? super K, String> text) {
        return new RedisKeyedLock<>(
                redisson, Objects.requireNonNull(name, "name"), Objects.requireNonNull(text, "text"));
    }

    /** Returns the lock of a key: {@code NAME:TEXT} on the server. */
    @Override
    public RedisLock lock(K key) {
        return RedisLock.of(redisson, name + ":" + text.apply(Objects.requireNonNull(key, "key")));
    }

    @Override
    public <T> Mono<T> withLock(K key, Mono<T> work) {
        return lock(key).withLock(work);
    }

    @Override
    public <T> Flux<T> withLock(K key, Flux<T> work) {
        return lock(key).withLock(work);
    }

    /** {@code <RedisKeyedLock user>}. */
    @Override
    public String toString() {
        return "<RedisKeyedLock " + name + ">";
    }
}
