package asyncio.sync;

/**
 * The right to be inside a lock or a semaphore until it is released, as returned by {@code acquire()}. It belongs to
 * the owner of this object, not to a thread: any thread may release it.
 *
 * <p>Releasing a permit again does nothing, so that a {@code try} block and a {@code finally} may both do it.
 *
 * <pre>{@code
 * try (var permit = await(lock.acquire())) {
 *     await(write(page));
 * }
 * }</pre>
 */
public interface Permit extends AutoCloseable {
    /**
     * Releases the permit; the waiter that has waited longest gets it next. May be called from any thread; never
     * blocks.
     */
    void release();

    /** Returns the number of semaphore permits that this represents; 1 for a lock. */
    int permits();

    /** Returns whether it has been released. */
    boolean isReleased();

    /** Same as {@link #release}. */
    @Override
    default void close() {
        release();
    }
}
