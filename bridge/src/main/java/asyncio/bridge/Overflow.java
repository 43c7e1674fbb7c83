package asyncio.bridge;

/**
 * The capacity of a bridge for a subscriber that is slower than the listener's source, and what happens to more than
 * that. Items that are dropped go to {@code Operators.onDiscard}.
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
            throw new IllegalArgumentException("A buffer of " + capacity + " items: it needs room for one at least");
        }
        this.policy = policy;
        this.capacity = capacity;
    }

    /** Keeps the newest items. */
    public static Overflow dropOldest(int capacity) {
        return new Overflow(Policy.DROP_OLDEST, capacity);
    }

    /** Keeps the oldest items. */
    public static Overflow dropNewest(int capacity) {
        return new Overflow(Policy.DROP_NEWEST, capacity);
    }

    /** Keeps the last item only. */
    public static Overflow latest() {
        return dropOldest(1);
    }

    /**
     * Ends with an error behind the items that are kept; for sources that must not lose any. One that can wait uses
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
