package asyncio.bridge;

/**
 * The buffer capacity of a bridge for a subscriber slower than the listener's source, and the treatment of items beyond
 * it. Dropped items go to {@code Operators.onDiscard}.
 *
 * <pre>{@code
 * Flux<Long> latest = Listeners.flux(Overflow.latest(), sink -> sink.next(42L));
 * }</pre>
 */
public final class Overflow {
    enum Policy {
        DROP_OLDEST,
        DROP_NEWEST,
        FAIL
    }

    final Policy policy;
    final int capacity;

    private Overflow(Policy policy, int capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("A buffer of " + capacity + " items: the capacity must be at least 1");
        }
        this.policy = policy;
        this.capacity = capacity;
    }

    /** Keeps the newest items, and drops the oldest. */
    public static Overflow dropOldest(int capacity) {
        return new Overflow(Policy.DROP_OLDEST, capacity);
    }

    /** Keeps the oldest items, and drops the newest. */
    public static Overflow dropNewest(int capacity) {
        return new Overflow(Policy.DROP_NEWEST, capacity);
    }

    /** Keeps only the last item. */
    public static Overflow latest() {
        return dropOldest(1);
    }

    /**
     * Ends with an error after the buffered items, for sources that must not lose any. A source that can wait uses
     * {@link ListenerSink#put}, and never overflows.
     */
    public static Overflow fail(int capacity) {
        return new Overflow(Policy.FAIL, capacity);
    }

    @Override
    public String toString() {
        return policy + "(" + capacity + ")";
    }
}
