package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A number of permits, whatever keeps them: this process ({@link Semaphore}), or a server that several machines share.
 * For code that is to run with either. What is common to all is as for {@link AsyncLock}.
 *
 * @since 0.1
 */
public interface AsyncSemaphore {
    /** Waits for a permit. Cancelling leaves the line. */
    Mono<? extends Permit> acquire();

    /**
     * As {@link #acquire()}, for at most {@code limit}; after that {@code onError} with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    Mono<? extends Permit> acquire(Duration limit);

    /**
     * Runs {@code work} while holding a permit, and releases it when that has ended or was cancelled, its clean-up
     * included. A task that awaits this waits for the release.
     */
    <T> Mono<T> withPermit(Mono<T> work);

    /** As {@link #withPermit(Mono)}, from the subscription to the end of a Flux. */
    <T> Flux<T> withPermit(Flux<T> work);
}
