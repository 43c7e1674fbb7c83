package asyncio.sync;

import java.time.Duration;
import reactor.core.publisher.Mono;

/**
 * An event held in this process ({@link #of(Event)}) or on a server shared by several machines, for code that must work
 * with either.
 *
 * <p>All implementations guarantee: nothing happens until subscription; {@link #set} resumes all waiters present at
 * that moment, even if {@link #clear} follows immediately, and waits for none of them; a deadline is part of the
 * waiter; a waiter that is cancelled leaves nothing behind. A call that has completed is seen by each call that begins
 * after it, on any machine.
 *
 * <p>The implementations specify the order in which waiters resume.
 *
 * <p>An {@link Event} answers at once, and a server does not: its own {@code set}, {@code clear} and {@code isSet}
 * return no Monos, which is why it does not implement this interface.
 *
 * <pre>{@code
 * Mono<Long> afterwards(AsyncEvent imported, Mono<Long> work) { // AsyncEvent.of(new Event()), a RedisEvent
 *     return imported.await().then(work);
 * }
 * }</pre>
 *
 * @since 0.1.0
 */
public interface AsyncEvent {
    /**
     * Returns an event of this process with the methods of this interface. Both may be used. A waiter that is not on a
     * loop resumes on the thread that sets it.
     */
    static AsyncEvent of(Event event) {
        return new EventView(event);
    }

    /**
     * Completes empty when the flag is set; immediately if it is already. Cancelling it ends the wait.
     *
     * <p>asyncio: {@code Event.wait}.
     */
    Mono<Void> await();

    /**
     * Like {@link #await()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}. A limit of zero or less only looks at the flag.
     */
    Mono<Void> await(Duration limit);

    /** Sets the flag and resumes all waiters; completes empty when it is set. asyncio: {@code Event.set}. */
    Mono<Void> set();

    /**
     * Clears the flag, and completes empty; later waiters wait for the next {@link #set}. asyncio: {@code Event.clear}.
     */
    Mono<Void> clear();

    /** Returns whether the flag is set. asyncio: {@code Event.is_set}. */
    Mono<Boolean> isSet();
}
