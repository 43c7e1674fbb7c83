package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The work of a scope as a sequence of Monos to wait for. It is written once, and run inline by bodies ({@link #runIn})
 * and, without a thread, by a {@link StepTask}.
 */
abstract class Steps<T> {
    /** The scope around this one in a {@link StepTask}. */
    @Nullable Steps<?> outer;

    /**
     * Starts in a task, on its loop; returns the first Mono to wait for. Does not throw: an error is returned as a
     * Mono.
     */
    abstract Mono<?> begin(Task<?> task);

    /**
     * Called when a wait has ended; returns the next Mono to wait for, or null if {@link #result} is available. An
     * exception ends the scope.
     */
    abstract @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception;

    /** Returns the result of the scope, or throws its error. */
    abstract @Nullable T result() throws Exception;

    /** Returns the guard that this is the work of; null if it is none's. */
    @Nullable AwaitGuard guard() {
        return null;
    }

    final @Nullable T runIn(BodyTask<?> body) throws Exception {
        Mono<?> mono = begin(body);
        while (mono != null) {
            Object value = null;
            Throwable error = null;
            try {
                value = body.awaitAny(mono);
            } catch (Throwable e) {
                error = e;
            }
            mono = next(value, error);
        }
        return result();
    }
}
