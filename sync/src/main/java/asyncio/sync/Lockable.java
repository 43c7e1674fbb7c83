package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A resource with one holder at a time (or only readers): a {@link Lock}, a side of a {@link ReadWriteLock}, a key of a
 * {@link KeyedLock}.
 *
 * <p><b>Order.</b> Strictly first in, first out: no caller overtakes a waiter, not even one that has been granted the
 * lock and has not resumed yet.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on or off a loop; none blocks. A waiter on a loop
 * resumes in that loop's next tick; any other on the thread that releases, through a trampoline.
 *
 * <p><b>Cancelling.</b> A cancelled waiter leaves the line; if it had been granted the lock and had not resumed, the
 * lock passes to the next. An operator downstream of {@link #acquire()} can still drop a permit that has arrived
 * ({@code .timeout}, {@code firstWithSignal}, a {@code zip} that fails): use {@link #withLock(Mono)}, which loses none,
 * and {@link #acquire(Duration)} for a deadline.
 *
 * <pre>{@code
 * Lockable mine = new Lock();
 * Mono<Long> reactive = mine.withLock(Mono.just(42L));
 * try (Permit permit = await(mine.acquire(Duration.ofSeconds(1)))) { // straight-line, with a deadline
 *     await(sleep(Duration.ofMillis(10)));
 * }
 * }</pre>
 */
public abstract class Lockable extends PermitSource implements AsyncLock {
    Lockable() {}

    /**
     * Waits for the lock. Nothing happens until subscription; each subscription acquires the lock again.
     *
     * <p>asyncio: {@code Lock.acquire}.
     */
    @Override
    public final Mono<Permit> acquire() {
        return acquireMono(1, null);
    }

    /**
     * Like {@link #acquire()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}. The deadline loses no permit. A limit of zero or less takes the
     * lock only if it is free. The clock is that of the running loop, or of {@code Schedulers.parallel()} if there is
     * none.
     */
    @Override
    public final Mono<Permit> acquire(Duration limit) {
        return acquireMono(1, checked(limit));
    }

    @Override
    final String awaited(int one) {
        return toString();
    }

    /** Takes the lock if it is free and has no waiters; release it with {@link #release()}. */
    public abstract boolean tryAcquire();

    /**
     * Releases the lock, regardless of its holder. The owner of a {@link Permit} releases that instead.
     *
     * <p>asyncio: {@code Lock.release}.
     *
     * @throws IllegalMonitorStateException if the lock is not held; nothing has changed
     */
    public abstract void release();

    /** Returns whether the lock is held. */
    public abstract boolean locked();

    /** Returns the number of waiters. */
    public abstract int waiters();

    /** Returns the state of the lock and the number of waiters at one moment. */
    public abstract Statistics statistics();

    /**
     * Runs {@code work} while holding the lock. Nothing happens until subscription. The lock is released before the end
     * is signalled. If the subscription is cancelled, or an operator in the work cuts off a part of it, the lock is
     * released when that part, including its clean-up, has ended, as far as the work reports it (bodies, scopes and
     * everything else in this library do). Never loses the lock, regardless of the operators that follow.
     *
     * <p>asyncio: {@code async with lock}.
     */
    @Override
    public final <T> Mono<T> withLock(Mono<T> work) {
        return new MonoWithPermit<>(this, 1, work);
    }

    /** Like {@link #withLock(Mono)}, from the subscription to the end of a Flux. */
    @Override
    public final <T> Flux<T> withLock(Flux<T> work) {
        return new FluxWithPermit<>(this, 1, work);
    }
}
