package asyncio.sync;

/**
 * A {@link Semaphore} that never has more permits than it had first: releasing more than were acquired is an error, and
 * so is wanting more than there are.
 *
 * <p>asyncio: {@code BoundedSemaphore}.
 */
public final class BoundedSemaphore extends Semaphore {
    private final int bound;

    /**
     * With that many permits.
     *
     * @throws IllegalArgumentException if there are fewer than none
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
            throw new IllegalArgumentException("Cannot acquire " + n + " permits of " + bound);
        }
        return super.checked(n);
    }

    @Override
    int sum(int free, int n) {
        if (n > bound - free) {
            throw new IllegalStateException("BoundedSemaphore released too many times: " + n + " more than the " + free
                    + " free ones would exceed the " + bound + " that it was made with");
        }
        return free + n;
    }
}
