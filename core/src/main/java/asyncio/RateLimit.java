package asyncio;

/** Lets a number of events pass in each period of time, and counts the others. Thread-safe. */
final class RateLimit {
    /** Returned for an event that is withheld. */
    static final int WITHHELD = -1;

    private final int most;
    private final long periodNanos;
    /** All guarded by this. */
    private long periodBegan;

    private int passed;
    private int withheld;

    RateLimit(int most, long periodNanos) {
        this.most = most;
        this.periodNanos = periodNanos;
    }

    /** Returns the number withheld since the last event that passed, or {@link #WITHHELD}. */
    synchronized int pass(long nowNanos) {
        if (passed == 0 || nowNanos - periodBegan >= periodNanos) {
            periodBegan = nowNanos;
            passed = 0;
        }
        if (passed == most) {
            withheld++;
            return WITHHELD;
        }
        passed++;
        int before = withheld;
        withheld = 0;
        return before;
    }
}
