package asyncio.sync;

import asyncio.Asyncio;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A rate limiter: permits are added over time, and {@code acquire} takes one, suspending until it is available. Unused
 * permits are kept up to the burst; in any span of time at most the burst plus the permits added in that span are
 * taken. A permit is used up: there is nothing to release.
 *
 * <p><b>Order.</b> Strictly first in, first out, also among waiters for several permits.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on or off a loop; none blocks. A waiter on a loop
 * resumes in that loop's next tick, any other on a thread of {@code Schedulers.parallel()}. The clock is that of the
 * caller's loop or, while there is a line, of its first waiter's loop; without a loop that of
 * {@code Schedulers.parallel()}. So it is exact to the nanosecond in virtual time. A limiter may be shared by any
 * number of loops.
 *
 * <p><b>Cancelling.</b> A cancelled waiter leaves the line immediately, uses no permit, and delays no other waiter:
 * those behind it move up. If it had been granted a permit and had not resumed, the permit is given back. A permit
 * dropped by an operator downstream ({@code .timeout}) is used up.
 *
 * <pre>{@code
 * RateLimiter tenASecond = RateLimiter.of(10, Duration.ofSeconds(1), 1);   // evenly spaced
 *
 * Mono<Page> page = tenASecond.withPermit(client.get(url));                 // reactive
 *
 * await(tenASecond.acquire());                                              // straight-line
 * return await(client.get(url));
 * }</pre>
 *
 * <p>asyncio has no equivalent. A token bucket, like Guava's {@code RateLimiter}, which blocks, and aiolimiter's.
 *
 * @since 0.1.0
 */
public abstract class RateLimiter implements AsyncRateLimiter, Scannable {
    final Rate rate;

    RateLimiter(Rate rate) {
        this.rate = rate;
    }

    /**
     * Creates a limiter that allows {@code permits} within each {@code per}, at equal intervals, and a burst of at most
     * {@code burst} unused permits. It starts with a full burst.
     *
     * @param permits at least 1
     * @param per for example a second; at least a nanosecond for each permit
     * @param burst at least 1; the maximum that {@link #acquire(int)} can take at once
     * @throws IllegalArgumentException if an argument is smaller, or too large to count
     */
    public static RateLimiter of(int permits, Duration per, int burst) {
        return new Single(Rate.of(permits, per, burst));
    }

    // ---- API

    /**
     * Takes a permit as soon as one is available and all earlier waiters have theirs; completes empty. Nothing happens
     * until subscription; each subscription takes another permit. A cancelled subscription takes none.
     */
    @Override
    public final Mono<Void> acquire() {
        return new Acquire(1, null);
    }

    /**
     * Like {@link #acquire()}, for {@code n} at once.
     *
     * @throws IllegalArgumentException if {@code n} is less than 1, or more than the burst, the maximum ever available
     */
    @Override
    public final Mono<Void> acquire(int n) {
        return new Acquire(rate.checked(n), null);
    }

    /**
     * Like {@link #acquire()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}, and no permit is used. A limit of zero or less takes a permit only
     * if one is available. It waits even if the permit is certain to be late, since a waiter in front may leave.
     */
    @Override
    public final Mono<Void> acquire(Duration limit) {
        return new Acquire(1, PermitSource.checked(limit));
    }

    /** Like {@link #acquire(Duration)}, for {@code n} at once. */
    @Override
    public final Mono<Void> acquire(int n, Duration limit) {
        return new Acquire(rate.checked(n), PermitSource.checked(limit));
    }

    /** Takes a permit if one is available and there are no waiters. */
    public final boolean tryAcquire() {
        return tryTake(1, EventLoop.runningOrNull());
    }

    /** Like {@link #tryAcquire()}, for {@code n} at once. */
    public final boolean tryAcquire(int n) {
        return tryTake(rate.checked(n), EventLoop.runningOrNull());
    }

    /**
     * Takes a permit, then runs {@code work}. Nothing happens until subscription; if it is cancelled before it gets the
     * permit, it uses none and the work does not start.
     */
    @Override
    public final <T> Mono<T> withPermit(Mono<T> work) {
        return new Paced<>(1, work);
    }

    /** Like {@link #withPermit(Mono)}: one permit for a subscription to the Flux, however many items it has. */
    @Override
    public final <T> Flux<T> withPermit(Flux<T> work) {
        return acquire().thenMany(Objects.requireNonNull(work, "work"));
    }

    /** Like {@link #withPermit(Mono)}, for work that needs {@code n} permits. */
    @Override
    public final <T> Mono<T> withPermits(int n, Mono<T> work) {
        return new Paced<>(rate.checked(n), work);
    }

    /** Like {@link #withPermit(Flux)}, for work that needs {@code n} permits. */
    @Override
    public final <T> Flux<T> withPermits(int n, Flux<T> work) {
        return acquire(n).thenMany(Objects.requireNonNull(work, "work"));
    }

    /** Returns the number of permits available now, including those that waiters wait for. */
    public abstract int permits();

    /** Returns the number of waiters. */
    public abstract int waiters();

    // ---- for the implementations

    /** Takes available permits, unless others wait. */
    abstract boolean tryTake(int n, @Nullable EventLoop loop);

    /** Like {@link #tryTake}, but also false if others are about to resume on this loop. */
    abstract boolean take(int n, @Nullable EventLoop loop);

    /** Takes permits or joins the line; true if it has them. */
    abstract boolean enter(RateAcquisition acquisition);

    abstract List<RateAcquisition> line();

    /** The limiter of {@link #of}. */
    private static final class Single extends RateLimiter {
        private final TokenBucket bucket;

        Single(Rate rate) {
            super(rate);
            bucket = new TokenBucket(rate);
        }

        @Override
        public int permits() {
            return bucket.permits();
        }

        @Override
        public int waiters() {
            return bucket.waiting();
        }

        @Override
        boolean tryTake(int n, @Nullable EventLoop loop) {
            return bucket.tryTake(n, loop);
        }

        @Override
        boolean take(int n, @Nullable EventLoop loop) {
            return bucket.take(n, loop);
        }

        @Override
        boolean enter(RateAcquisition acquisition) {
            return acquisition.enter(bucket);
        }

        @Override
        List<RateAcquisition> line() {
            return bucket.line();
        }

        @Override
        public String toString() {
            return "<RateLimiter [" + bucket + "]>";
        }
    }

    private final class Acquire extends ColdMono<Void> {
        private final int permits;
        private final @Nullable Duration limit;

        Acquire(int permits, @Nullable Duration limit) {
            super(Acquire.class);
            this.permits = permits;
            this.limit = limit;
        }

        @Override
        protected @Nullable Void awaitInBody() throws Exception {
            return RateLimiter.this.take(permits, EventLoop.getRunningLoop()) ? null : super.awaitInBody();
        }

        @Override
        protected void start(CoreSubscriber<? super Void> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
            return new RateAcquisition(RateLimiter.this, actual, permits, limit);
        }

        @Override
        public String toString() {
            return "acquire(" + (permits == 1 ? "" : permits) + ") of " + RateLimiter.this;
        }
    }

    /** The Mono of {@code withPermit}. */
    private final class Paced<T> extends ColdMono<T> {
        private final int permits;
        private final Mono<T> work;

        /** The name of the method, for reports. */
        private static final class WithPermit {}

        Paced(int permits, Mono<T> work) {
            super(WithPermit.class);
            this.permits = permits;
            this.work = Objects.requireNonNull(work, "work");
        }

        /** Runs the work in the body's own task. */
        @Override
        protected @Nullable T awaitInBody() throws Exception {
            Asyncio.await(acquire(permits));
            return Asyncio.await(work);
        }

        @Override
        protected void start(CoreSubscriber<? super T> actual) {
            acquire(permits).then(work).subscribe(actual);
        }

        @Override
        public String toString() {
            return Log.text(work) + " with " + RateLimiter.this;
        }
    }

    // ---- looking at it

    /** {@code <RateLimiter [10 per PT1S, burst:20, permits:3]>} or {@code <RateLimiter [..., waiters:2]>}. */
    @Override
    public abstract String toString();

    @Override
    public Stream<? extends Scannable> inners() {
        return line().stream();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.NAME) {
            return toString();
        }
        return key == Attr.BUFFERED ? waiters() : null;
    }
}
