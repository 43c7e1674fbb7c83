package asyncio;

/** Lets so many things through in each period of time, and counts the others. Thread-safe. */
final class RateLimit {
    /** Returned for what is withheld. */
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

    /** Returns how many were withheld since the last that was let through, or {@link #WITHHELD}. */
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
