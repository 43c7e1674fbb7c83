package asyncio.sync;

/**
 * A {@link Semaphore} that never has more permits than it started with: releasing more than were acquired is an error,
 * and so is requesting more than it started with.
 *
 * <pre>{@code
 * BoundedSemaphore two = new BoundedSemaphore(2);
 * try (Permit permit = await(two.acquire())) {
 *     await(sleep(Duration.ofSeconds(1)));
 * }
 * two.release(); // throws: there are two already
 * }</pre>
 *
 * <p>asyncio: {@code BoundedSemaphore}.
 */
public final class BoundedSemaphore extends Semaphore {
    private final int bound;

    /**
     * Creates a semaphore with {@code permits} permits.
     *
     * @throws IllegalArgumentException if {@code permits} is negative
     */
    public BoundedSemaphore(int permits) {
        super(permits);
        bound = permits;
    }

    @Override
    public BoundedSemaphore reclaimDropped() {
        super.reclaimDropped();
        return this;
    }

    @Override
    int checked(int n) {
        if (n > bound) {
            throw new IllegalArgumentException(
                    "Cannot acquire " + n + " permits: this semaphore never has more than " + bound);
        }
        return super.checked(n);
    }

    @Override
    int sum(int free, int n) {
        if (n > bound - free) {
            throw new IllegalStateException("BoundedSemaphore released too many times: " + n + " more than the " + free
                    + " free ones would exceed the " + bound + " it was created with");
        }
        return free + n;
    }
}
