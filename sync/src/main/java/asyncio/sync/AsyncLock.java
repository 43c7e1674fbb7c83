package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A lock held in this process ({@link Lockable}) or on a server shared by several machines, for code that must work
 * with either.
 *
 * <p>All implementations guarantee: nothing happens until subscription, and each subscription acquires again; a permit
 * belongs to the permit object, not to a thread; a deadline is part of the waiter; a cancelled acquisition leaves
 * nothing behind; {@link #withLock} never loses a permit, regardless of the operators that follow, and releases it
 * before it signals the end.
 *
 * <p>The implementations specify the order of waiters, and whether a permit can be lost while it is held.
 *
 * <pre>{@code
 * Mono<Long> alone(AsyncLock lock, Mono<Long> work) { // a Lock in tests, a RedisLock in production
 *     return lock.withLock(work);
 * }
 * }</pre>
 *
 * @since 0.1
 */
public interface AsyncLock {
    /** Waits for the lock. Cancelling it leaves the line. */
    Mono<? extends Permit> acquire();

    /**
     * Like {@link #acquire()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    Mono<? extends Permit> acquire(Duration limit);

    /**
     * Runs {@code work} while holding the lock, and releases it when the work, including its clean-up, has ended or
     * been cancelled. A task that awaits this waits for the release.
     */
    <T> Mono<T> withLock(Mono<T> work);

    /** Like {@link #withLock(Mono)}, from the subscription to the end of a Flux. */
    <T> Flux<T> withLock(Flux<T> work);
}
