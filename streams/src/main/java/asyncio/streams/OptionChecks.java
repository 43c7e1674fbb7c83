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

    /** For Netty's timers; at least 1, since 0 stands for no limit there. */
    static long millis(Duration duration) {
        try {
            return Math.max(1, duration.toMillis());
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE; // longer than it can say is for ever
        }
    }
}
