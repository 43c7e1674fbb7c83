package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A rate limiter held in this process ({@link RateLimiter}) or on a server shared by several machines, for code that
 * must work with either.
 *
 * <p>All implementations guarantee: nothing happens until subscription, and each subscription takes permits again;
 * permits that were taken are used up; a deadline is part of the waiter, and uses no permit; a waiter that is cancelled
 * does not delay others.
 *
 * <p>The implementations specify how permits are spread over time, the order of waiters, and whether a cancelled waiter
 * may use a permit.
 *
 * <pre>{@code
 * Mono<Long> slowly(AsyncRateLimiter limiter, Mono<Long> work) { // a RateLimiter, a RedisRateLimiter
 *     return limiter.withPermit(work);
 * }
 * }</pre>
 *
 * @since 0.1
 */
public interface AsyncRateLimiter {
    /** Takes a permit as soon as one is available; completes empty. */
    Mono<Void> acquire();

    /**
     * Like {@link #acquire()}, for {@code n} at once.
     *
     * @throws IllegalArgumentException if {@code n} is less than 1, or more than are ever available at once
     */
    Mono<Void> acquire(int n);

    /**
     * Like {@link #acquire()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}. A limit of zero or less takes a permit only if one is available.
     */
    Mono<Void> acquire(Duration limit);

    /** Like {@link #acquire(Duration)}, for {@code n} at once. */
    Mono<Void> acquire(int n, Duration limit);

    /** Takes a permit, then runs {@code work}. */
    <T> Mono<T> withPermit(Mono<T> work);

    /** Like {@link #withPermit(Mono)}: one permit for a subscription to the Flux, however many items it has. */
    <T> Flux<T> withPermit(Flux<T> work);

    /** Like {@link #withPermit(Mono)}, for work that needs {@code n} permits. */
    <T> Mono<T> withPermits(int n, Mono<T> work);

    /** Like {@link #withPermit(Flux)}, for work that needs {@code n} permits. */
    <T> Flux<T> withPermits(int n, Flux<T> work);
}
