package asyncio.redis;

import asyncio.sync.AsyncRateLimiter;
import asyncio.sync.Lock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RRateLimiter;
import org.redisson.api.RateType;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A rate limiter shared by several machines: Redisson's {@code RRateLimiter}. In any span of the given length at most
 * the given number of permits are taken, by all machines together; all of them may be taken at once.
 *
 * <p><b>On the server.</b> The first acquisition sets the rate, unless the server has one for this name; see
 * {@link #setRate}. A limiter that is not used for twice the span leaves nothing there, so that each customer, say, may
 * have one by name. The clock is that of the machine that acquires: clocks that differ blur the span by as much.
 *
 * <p><b>Order.</b> Waiters of one object are served first in, first out, and only the first one asks the server, at
 * most ten times a second; there is no order between machines.
 *
 * <p><b>Cancelling.</b> A waiter that is cancelled uses no permit, unless its request is under way: the first one in
 * line uses those that become available within the next 100 milliseconds.
 *
 * <p><b>Threading.</b> As for {@link RedisLock}.
 *
 * <pre>{@code
 * RedisRateLimiter calls = RedisRateLimiter.of(redisson, "partner-api", 100, Duration.ofSeconds(1));
 *
 * Reply reply = await(calls.withPermit(ask()));
 * }</pre>
 *
 * @since 0.1
 */
public final class RedisRateLimiter implements AsyncRateLimiter {
    /**
     * The longest wait requested from Redisson, which ends it when the permits are due. Such a wait cannot be
     * cancelled, and permits cannot be given back: Redisson counts those that are again when their span ends.
     */
    private static final Duration ONE_WAIT = Duration.ofMillis(100);

    private final RRateLimiter limiter;
    private final int permits;
    private final Duration per;
    private final Lock line = new Lock();

    private RedisRateLimiter(RRateLimiter limiter, int permits, Duration per) {
        this.limiter = limiter;
        this.permits = permits;
        this.per = per;
    }

    /**
     * Returns the limiter of this name, without contacting the server.
     *
     * @param permits at least 1
     * @param per the span, at least a millisecond
     * @throws IllegalArgumentException if an argument is smaller
     */
    public static RedisRateLimiter of(RedissonClient redisson, String name, int permits, Duration per) {
        if (permits < 1 || per.toMillis() < 1) {
            throw new IllegalArgumentException("Cannot allow " + permits + " permits per " + per
                    + ": use at least 1 permit, and at least one millisecond");
        }
        return new RedisRateLimiter(redisson.getRateLimiter(Objects.requireNonNull(name, "name")), permits, per);
    }

    /**
     * Gives the server the rate of this object, instead of the one that it has, and makes all permits available. Call
     * it after the rate has changed in the code.
     */
    public Mono<Void> setRate() {
        return Mono.fromCompletionStage(() -> limiter.setRateAsync(RateType.OVERALL, permits, per, kept()));
    }

    private Mono<Boolean> setRateUnlessSet() {
        return Mono.fromCompletionStage(() -> limiter.trySetRateAsync(RateType.OVERALL, permits, per, kept()));
    }

    /** Returns the time for which the server keeps an idle limiter: no permit counts after one span. */
    private Duration kept() {
        return per.multipliedBy(2);
    }

    @Override
    public Mono<Void> acquire() {
        return take(1, null);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if {@code n} is less than 1, or more than the permits of a span
     */
    @Override
    public Mono<Void> acquire(int n) {
        return take(n, null);
    }

    @Override
    public Mono<Void> acquire(Duration limit) {
        return take(1, Objects.requireNonNull(limit, "limit"));
    }

    @Override
    public Mono<Void> acquire(int n, Duration limit) {
        return take(n, Objects.requireNonNull(limit, "limit"));
    }

    @Override
    public <T> Mono<T> withPermit(Mono<T> work) {
        return withPermits(1, work);
    }

    @Override
    public <T> Flux<T> withPermit(Flux<T> work) {
        return withPermits(1, work);
    }

    @Override
    public <T> Mono<T> withPermits(int n, Mono<T> work) {
        return acquire(n).then(Objects.requireNonNull(work, "work"));
    }

    @Override
    public <T> Flux<T> withPermits(int n, Flux<T> work) {
        return acquire(n).thenMany(Objects.requireNonNull(work, "work"));
    }

    private Mono<Void> take(int n, @Nullable Duration limit) {
        if (n < 1 || n > permits) {
            throw new IllegalArgumentException("Cannot acquire " + n + " permits of " + this + ": ask for 1 to "
                    + permits + ", since no more are ever available at once");
        }
        return Mono.defer(() -> {
            Deadline deadline = new Deadline(limit);
            Mono<Boolean> now = line.locked() ? Mono.just(false) : ask(n, Duration.ZERO);
            return now.flatMap(taken -> taken || deadline.isPast() ? Mono.just(taken) : takeInLine(n, limit, deadline))
                    .onErrorResume(TimeoutException.class, e -> Mono.just(false)) // in line
                    .flatMap(taken -> taken
                            ? Mono.empty()
                            : Mono.error(deadline.timedOut((n == 1 ? "a permit" : n + " permits") + " of " + this)));
        });
    }

    private Mono<Boolean> takeInLine(int n, @Nullable Duration limit, Deadline deadline) {
        return Mono.usingWhen(
                limit == null ? line.acquire() : line.acquire(deadline.left()),
                turn -> deadline.repeat(ONE_WAIT, wait -> ask(n, wait)),
                turn -> Mono.fromRunnable(turn::release));
    }

    private Mono<Boolean> ask(int n, Duration wait) {
        Mono<Boolean> ask =
                Mono.fromFuture(() -> limiter.tryAcquireAsync(n, wait).toCompletableFuture(), true);
        return ask.onErrorResume(
                RedisException.class,
                e -> String.valueOf(e.getMessage()).contains("not initialized")
                        ? setRateUnlessSet().then(ask)
                        : Mono.error(e));
    }

    /** {@code <RedisRateLimiter partner-api [100 per PT1S]>}. */
    @Override
    public String toString() {
        return "<RedisRateLimiter " + limiter.getName() + " [" + permits + " per " + per + "]>";
    }
}
