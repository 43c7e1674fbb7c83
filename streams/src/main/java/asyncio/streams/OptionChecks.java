package asyncio.streams;

import java.time.Duration;

/** Checks of options. */
final class OptionChecks {
    private OptionChecks() {}

    static Duration positive(String name, Duration duration) {
        if (duration.isZero() || duration.isNegative()) {
            throw new IllegalArgumentException(name + " should be a positive number of seconds, got " + duration);
        }
        return duration;
    }

    static void partOfFile(String method, long offset, long count) {
        if (offset < 0 || count < 0) {
            throw new IllegalArgumentException(
                    "The offset (" + offset + ") and the count (" + count + ") of " + method + " must be >= 0");
        }
    }

    /** Converts to milliseconds for Netty's timers; at least 1, since 0 means no limit there. */
    static long millis(Duration duration) {
        try {
            return Math.max(1, duration.toMillis());
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE; // too long for a number of milliseconds: practically no limit
        }
    }
}
