package asyncio.redis;

import asyncio.sync.AsyncReadWriteLock;
import java.time.Duration;
import java.util.Objects;
import org.redisson.api.RReadWriteLock;
import org.redisson.api.RedissonClient;

/**
 * A lock without fencing tokens, held by any number of readers or by one writer, on several machines: Redisson's
 * {@code RReadWriteLock}. Use a {@link RedisLock} where a late write must be rejected.
 *
 * <p>Leases, cancelling and threading are those of {@link RedisLock}. There is no order: readers that keep arriving can
 * keep a writer out. It is not reentrant, and a reader cannot become a writer.
 *
 * <pre>{@code
 * RedisReadWriteLock lock = RedisReadWriteLock.of(redisson, "catalogue");
 *
 * Page page = await(lock.readLock().withLock(load()));
 * await(lock.writeLock().withLock(save(page)));
 * }</pre>
 *
 * @since 0.1
 */
public final class RedisReadWriteLock implements AsyncReadWriteLock {
    private final String name;
    private final RedisLock reader;
    private final RedisLock writer;

    private RedisReadWriteLock(String name, RReadWriteLock lock, Duration lease) {
        this.name = name;
        reader = RedisLock.withoutTokens(lock.readLock(), "read lock of " + this, lease);
        writer = RedisLock.withoutTokens(lock.writeLock(), "write lock of " + this, lease);
    }

    /** Returns the lock of this name, without contacting the server. */
    public static RedisReadWriteLock of(RedissonClient redisson, String name) {
        return new RedisReadWriteLock(
                Objects.requireNonNull(name, "name"), redisson.getReadWriteLock(name), RedisLock.leaseOf(redisson));
    }

    /** Returns the lock for reading. Its permits have no token. */
    @Override
    public RedisLock readLock() {
        return reader;
    }

    /** Returns the lock for writing. Its permits have no token. */
    @Override
    public RedisLock writeLock() {
        return writer;
    }

    /** {@code <RedisReadWriteLock catalogue>}. */
    @Override
    public String toString() {
        return "<RedisReadWriteLock " + name + ">";
    }
}
