package asyncio.sync;

/**
 * A lock held by any number of readers, or by one writer, in this process ({@link ReadWriteLock}) or on a server shared
 * by several machines, for code that must work with either. The guarantees are those of {@link AsyncLock}; a reader
 * cannot become a writer.
 *
 * <pre>{@code
 * Mono<Long> write(AsyncReadWriteLock lock, Mono<Long> work) { // a ReadWriteLock, a RedisReadWriteLock
 *     return lock.writeLock().withLock(work);
 * }
 * }</pre>
 *
 * @since 0.1
 */
public interface AsyncReadWriteLock {
    /** Returns the lock for reading. */
    AsyncLock readLock();

    /** Returns the lock for writing. */
    AsyncLock writeLock();
}
