package asyncio.sync;

import java.time.Duration;
import java.util.Objects;

/**
 * A rate of permits in whole numbers, so that nothing is lost to rounding: a nanosecond adds {@link #gain} units, a
 * permit costs {@link #cost}.
 *
 * @param permits the number of permits added within {@code per}
 * @param burst the maximum number of permits kept
 */
record Rate(int permits, Duration per, int burst, long gain, long cost) {
    static Rate of(int permits, Duration per, int burst) {
        Objects.requireNonNull(per, "per");
        if (permits < 1 || burst < 1) {
            throw new IllegalArgumentException(
                    "permits and burst must be at least 1, not " + permits + " and " + burst);
        }
        long nanos;
        try {
            nanos = per.toNanos();
        } catch (ArithmeticException e) {
            nanos = Long.MAX_VALUE;
        }
        if (nanos < permits) {
            throw new IllegalArgumentException(
                    "Cannot allow " + permits + " permits per " + per + ": at most one per nanosecond");
        }
        long divisor = greatestCommonDivisor(nanos, permits);
        long cost = nanos / divisor;
        long gain = permits / divisor;
        if (cost > (Long.MAX_VALUE / 2 - gain) / burst) {
            throw new IllegalArgumentException("Cannot keep " + burst + " of " + permits + " permits per " + per
                    + ": give the rate for a shorter time, or a smaller burst");
        }
        return new Rate(permits, per, burst, gain, cost);
    }

    private static long greatestCommonDivisor(long a, long b) {
        return b == 0 ? a : greatestCommonDivisor(b, a % b);
    }

    /** Checks a number of permits to acquire. */
    int checked(int n) {
        if (n < 1 || n > burst) {
            throw new IllegalArgumentException("Cannot acquire " + n + " permits of " + this + ": ask for 1 to " + burst
                    + ", since no more are ever available at once");
        }
        return n;
    }

    long costOf(int n) {
        return n * cost;
    }

    /** Returns the units of a full burst. */
    long full() {
        return burst * cost;
    }

    /** Returns the number of nanoseconds in which the units are added. */
    long nanosFor(long units) {
        return (units + gain - 1) / gain;
    }

    /** {@code 10 per PT1S, burst:20}. */
    @Override
    public String toString() {
        return permits + " per " + per + ", burst:" + burst;
    }
}
