package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A resource with one holder at a time (or readers only): a {@link Lock}, a side of a {@link ReadWriteLock}, a key of a
 * {@link KeyedLock}.
 *
 * <p><b>Order.</b> Strictly first in, first out: nobody overtakes one who waits, not even one who has been granted the
 * lock and has not gone on yet.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on or off a loop; none blocks. One who waits on a
 * loop goes on in that loop's next tick; any other on the thread that releases, through a trampoline.
 *
 * <p><b>Cancelling.</b> One who is cancelled leaves the line; if it had been granted the lock and had not gone on, the
 * lock passes to the next. An operator downstream of {@link #acquire()} can still drop a permit that came
 * ({@code .timeout}, {@code firstWithSignal}, a {@code zip} that fails): use {@link #withLock(Mono)}, which loses none,
 * and {@link #acquire(Duration)} for a deadline.
 */
public abstract class Lockable extends PermitSource implements AsyncLock {
    Lockable() {}

    /**
     * Waits for the lock. Nothing happens until subscription; each subscription acquires anew.
     *
     * <p>asyncio: {@code Lock.acquire}.
     */
    @Override
    public final Mono<Permit> acquire() {
        return acquireMono(1, null);
    }

    /**
     * As {@link #acquire()}, for at most {@code limit}; after that {@code onError} with a
     * {@link java.util.concurrent.TimeoutException}. No permit is lost by the deadline. A limit of zero or less takes
     * the lock only if it is free. The clock is the loop's where one runs, else that of {@code Schedulers.parallel()}.
     */
    @Override
    public final Mono<Permit> acquire(Duration limit) {
        return acquireMono(1, checked(limit));
    }

    /** Takes the lock if it is free and nobody waits for it; give it back with {@link #release()}. */
    public abstract boolean tryAcquire();

    /**
     * Releases the lock, whoever holds it. One who has a {@link Permit} releases that instead.
     *
     * <p>asyncio: {@code Lock.release}.
     *
     * @throws IllegalMonitorStateException if nobody holds it; nothing has changed
     */
    public abstract void release();

    /** Whether somebody holds it. */
    public abstract boolean locked();

    /** Returns the number of waiters. */
    public abstract int waiters();

    /** Both at one moment. */
    public abstract Statistics statistics();

    /**
     * Runs {@code work} while holding the lock. Nothing happens until subscription. The lock is released before the end
     * is signalled; if the subscription is cancelled, or an operator in the work cuts off a part of it, when that has
     * ended, its clean-up included, as far as the work lets us know (bodies, scopes and everything else of this library
     * does). Never loses the lock, whatever operator follows.
     *
     * <p>asyncio: {@code async with lock}.
     */
    @Override
    public final <T> Mono<T> withLock(Mono<T> work) {
        return new MonoWithPermit<>(this, 1, work);
    }

    /** As {@link #withLock(Mono)}, from the subscription to the end of a Flux. */
    @Override
    public final <T> Flux<T> withLock(Flux<T> work) {
        return new FluxWithPermit<>(this, 1, work);
    }
}
