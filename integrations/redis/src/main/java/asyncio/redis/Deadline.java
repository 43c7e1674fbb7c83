package asyncio.redis;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.redisson.client.RedisTimeoutException;
import reactor.core.publisher.Mono;

/** The end of a wait that consists of several requests; without a limit there is none. */
final class Deadline {
    private static final Duration NO_LIMIT = Duration.ofNanos(Long.MAX_VALUE);

    private final @Nullable Duration limit;
    /** The limit, at most 292 years. */
    private final Duration atMost;

    private final long began = System.nanoTime();

    Deadline(@Nullable Duration limit) {
        this.limit = limit;
        this.atMost = limit == null || limit.compareTo(NO_LIMIT) > 0 ? NO_LIMIT : limit;
    }

    /** Returns the time that is left, at least zero. */
    Duration left() {
        if (limit == null) {
            return NO_LIMIT;
        }
        Duration passed = Duration.ofNanos(System.nanoTime() - began);
        return atMost.compareTo(passed) <= 0 ? Duration.ZERO : atMost.minus(passed);
    }

    /** Returns the time that is left, but not more than {@code most}. */
    Duration atMost(Duration most) {
        Duration left = left();
        return left.compareTo(most) < 0 ? left : most;
    }

    boolean isPast() {
        return left().isZero();
    }

    /**
     * Returns whether Redisson gave up since the limit has passed: its subscription, or another part of a wait, took
     * that long.
     */
    boolean isCauseOf(Throwable e) {
        return limit != null
                && RedisPermits.cause(e) instanceof RedisTimeoutException
                && left().toNanos() < 2_000_000; // its limits are in whole milliseconds
    }

    /**
     * Repeats a request until it returns true, or false for the last time.
     *
     * @param longest the longest wait of one request
     * @param request the request, which waits for at most the given time
     */
    Mono<Boolean> repeat(Duration longest, Function<Duration, Mono<Boolean>> request) {
        return Mono.defer(() -> {
                    Duration left = left();
                    boolean isLast = left.compareTo(longest) <= 0;
                    return request.apply(isLast ? left : longest)
                            .onErrorResume(e -> isLast && isCauseOf(e), e -> Mono.just(false))
                            .filter(done -> done || isLast);
                })
                .repeatWhenEmpty(Integer.MAX_VALUE, tries -> tries);
    }

    TimeoutException timedOut(String awaited) {
        return new TimeoutException("Timed out after " + limit + " waiting for " + awaited);
    }
}
