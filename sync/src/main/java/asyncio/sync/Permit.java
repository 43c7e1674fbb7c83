package asyncio.sync;

/**
 * The right to be in, until it is released: what {@code acquire()} of a lock or a semaphore gives. It belongs to
 * whoever holds the object, not to a thread: any thread may release it.
 *
 * <p>Releasing twice does nothing the second time, so that a {@code try} block and a {@code finally} may both do it.
 *
 * <pre>{@code
 * try (var permit = await(lock.acquire())) {
 *     await(write(page));
 * }
 * }</pre>
 */
public interface Permit extends AutoCloseable {
    /** Gives it back; the one who has waited longest gets it next. From any thread; never blocks. */
    void release();

    /** Returns the number of permits of a semaphore that this stands for; 1 for a lock. */
    int permits();

    /** Whether it has been given back. */
    boolean isReleased();

    /** As {@link #release}. */
    @Override
    default void close() {
        release();
    }
}
