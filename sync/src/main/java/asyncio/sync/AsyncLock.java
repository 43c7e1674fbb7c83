package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A lock, whatever keeps it: this process ({@link Lockable}), or a server that several machines share. For code that is
 * to run with either.
 *
 * <p>Common to all: nothing happens until subscription, and each subscription acquires anew; a permit belongs to the
 * object and to no thread; a deadline lies inside the waiter; an acquisition that is cancelled leaves nothing behind;
 * {@link #withLock} loses no permit, whatever operator follows, and has given it back before the end is signalled.
 *
 * <p>The order of waiters, and whether a permit can be lost while it is held, the implementations say.
 *
 * @since 0.1
 */
public interface AsyncLock {
    /** Waits for the lock. Cancelling leaves the line. */
    Mono<? extends Permit> acquire();

    /**
     * As {@link #acquire()}, for at most {@code limit}; after that {@code onError} with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    Mono<? extends Permit> acquire(Duration limit);

    /**
     * Runs {@code work} while holding the lock, and releases it when that has ended or was cancelled, its clean-up
     * included. A task that awaits this waits for the release.
     */
    <T> Mono<T> withLock(Mono<T> work);

    /** As {@link #withLock(Mono)}, from the subscription to the end of a Flux. */
    <T> Flux<T> withLock(Flux<T> work);
}
