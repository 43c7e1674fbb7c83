package asyncio.sync;

import asyncio.Suspension;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A number of permits: {@code acquire} takes one and suspends while there is none, {@code release} adds one.
 *
 * <p><b>Order.</b> Strictly first in, first out, also among waiters for several permits: no caller overtakes a waiter,
 * not even one that has been granted a permit and has not resumed yet.
 *
 * <p><b>Threading, cancelling.</b> See {@link Lockable}.
 *
 * <pre>{@code
 * Semaphore eight = new Semaphore(8);
 *
 * Mono<Page> page = eight.withPermit(client.get(url));             // reactive
 *
 * try (var permit = await(eight.acquire())) {                       // straight-line
 *     return await(client.get(url));
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Semaphore}. As in asyncio, {@code release()} may be called more often than {@code acquire()}; use
 * {@link BoundedSemaphore} to make that an error.
 */
public class Semaphore extends PermitCounter implements AsyncSemaphore {
    /** The permits passed to operators. */
    private final Set<PermitWatch> watched = ConcurrentHashMap.newKeySet();

    /**
     * Creates a semaphore with {@code permits} permits.
     *
     * @throws IllegalArgumentException if {@code permits} is negative
     */
    public Semaphore(int permits) {
        super(permits);
    }

    // ---- API

    /**
     * Waits for a permit. Nothing happens until subscription; each subscription acquires another permit.
     *
     * <p>asyncio: {@code Semaphore.acquire}.
     */
    @Override
    public final Mono<Permit> acquire() {
        return acquireMono(checked(1), null);
    }

    /** Like {@link #acquire()}, for {@code n} at once. */
    public final Mono<Permit> acquire(int n) {
        return acquireMono(checked(n), null);
    }

    /**
     * Like {@link #acquire()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}. The deadline loses no permit. A limit of zero or less takes a
     * permit only if there is one. The clock is that of the running loop, or of {@code Schedulers.parallel()} if there
     * is none.
     */
    @Override
    public final Mono<Permit> acquire(Duration limit) {
        return acquireMono(checked(1), checked(limit));
    }

    /** Like {@link #acquire(Duration)}, for {@code n} at once. */
    public final Mono<Permit> acquire(int n, Duration limit) {
        return acquireMono(checked(n), checked(limit));
    }

    /** Takes a permit if there is one and there are no waiters; release it with {@link #release()}. */
    public final boolean tryAcquire() {
        return tryAcquireAny(1);
    }

    /** Like {@link #tryAcquire()}, for {@code n} at once. */
    public final boolean tryAcquire(int n) {
        return tryAcquireAny(checked(n));
    }

    /**
     * Adds a permit. The owner of a {@link Permit} releases that instead.
     *
     * <p>asyncio: {@code Semaphore.release}.
     */
    public final void release() {
        release(1);
    }

    /**
     * Adds {@code n} permits.
     *
     * @throws IllegalStateException if that would be too many; nothing has changed
     */
    public final void release(int n) {
        checkReleaseByHand();
        Turn next = free(positive(n));
        noteReleaseByHand();
        if (next != null) {
            next.pass();
        }
    }

    /**
     * Runs {@code work} while holding a permit, like {@link Lockable#withLock(Mono)}.
     *
     * <p>asyncio: {@code async with semaphore}.
     */
    @Override
    public final <T> Mono<T> withPermit(Mono<T> work) {
        return new MonoWithPermit<>(this, checked(1), work);
    }

    /** Like {@link #withPermit(Mono)}, from the subscription to the end of a Flux. */
    @Override
    public final <T> Flux<T> withPermit(Flux<T> work) {
        return new FluxWithPermit<>(this, checked(1), work);
    }

    /** Runs {@code work} while holding {@code n} permits. */
    public final <T> Mono<T> withPermits(int n, Mono<T> work) {
        return new MonoWithPermit<>(this, checked(n), work);
    }

    /** Like {@link #withPermits(int, Mono)}, from the subscription to the end of a Flux. */
    public final <T> Flux<T> withPermits(int n, Flux<T> work) {
        return new FluxWithPermit<>(this, checked(n), work);
    }

    /** Returns whether {@link #acquire()} would have to wait: no permit is free, or others wait. */
    public final boolean locked() {
        return noneFree();
    }

    /** Returns the number of free permits. */
    public final int permits() {
        return freePermits();
    }

    /** Returns the numbers of free permits and of waiters at one moment. */
    public final Statistics statistics() {
        return counts();
    }

    /** Returns the number of waiters. */
    public final int waiters() {
        return waiting();
    }

    /**
     * Releases permits that are acquired from now on, and that an operator then drops, when the garbage collector finds
     * them. Without this dropped permits are reported, if they are of the sample that is watched; in debug mode all
     * are. {@link #release()} then throws: only the {@link Permit}s can release.
     *
     * @return this
     */
    public Semaphore reclaimDropped() {
        startReclaiming();
        return this;
    }

    final void watch(PermitWatch watch) {
        watched.add(watch);
    }

    @Override
    final boolean holds(PermitWatch watch) {
        return watched.contains(watch);
    }

    /** Returns the number of held permits that are watched. */
    final int watches() {
        return watched.size();
    }

    /** Stops watching a permit that was released; false if it was not watched. */
    final boolean unwatch(PermitWatch watch) {
        return watched.remove(watch);
    }

    @Override
    final void reclaim(PermitWatch watch) {
        if (unwatch(watch)) {
            Turn next = free(watch.permits);
            if (next != null) {
                next.pass();
            }
        }
    }

    // ---- taking

    /** Checks a number of permits to acquire. */
    int checked(int n) {
        return positive(n);
    }

    private static int positive(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("The number of permits must be at least 1, not " + n);
        }
        return n;
    }

    /** Returns the number of permits to show to the holder of {@code n}. */
    int shown(int n) {
        return n;
    }

    @Override
    final @Nullable HeldPermit take(int permits) {
        return tryTake(permits) ? new SemaphorePermit(this, permits) : null;
    }

    @Override
    final boolean looksTaken() {
        return noneFree();
    }

    @Override
    final Suspension<HeldPermit> waiter(
            CoreSubscriber<? super HeldPermit> actual, int permits, @Nullable Duration limit) {
        return new SemaphoreAcquisition(this, actual, permits, limit);
    }

    // ---- looking at it

    /** {@code <Semaphore [unlocked, value:3]>} or {@code <Semaphore [locked, waiters:2]>}. */
    @Override
    public String toString() {
        int waiters = waiters();
        return "<" + getClass().getSimpleName() + " [" + (locked() ? "locked" : "unlocked, value:" + permits())
                + (waiters > 0 ? ", waiters:" + waiters : "") + "]>";
    }

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
