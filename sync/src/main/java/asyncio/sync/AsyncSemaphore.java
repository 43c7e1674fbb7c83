package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A semaphore held in this process ({@link Semaphore}) or on a server shared by several machines, for code that must
 * work with either. The guarantees are those of {@link AsyncLock}.
 *
 * <pre>{@code
 * Mono<Long> fewAtOnce(AsyncSemaphore semaphore, Mono<Long> work) { // a Semaphore, a RedisSemaphore
 *     return semaphore.withPermit(work);
 * }
 * }</pre>
 *
 * @since 0.1
 */
public interface AsyncSemaphore {
    /** Waits for a permit. Cancelling it leaves the line. */
    Mono<? extends Permit> acquire();

    /**
     * Like {@link #acquire()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    Mono<? extends Permit> acquire(Duration limit);

    /**
     * Runs {@code work} while holding a permit, and releases it when the work, including its clean-up, has ended or
     * been cancelled. A task that awaits this waits for the release.
     */
    <T> Mono<T> withPermit(Mono<T> work);

    /** Like {@link #withPermit(Mono)}, from the subscription to the end of a Flux. */
    <T> Flux<T> withPermit(Flux<T> work);
}
