package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The work of a scope: what to wait for, one after the other. It is written once, and run inline by bodies
 * ({@link #runIn}) and, without a thread, by a {@link StepTask}.
 */
abstract class Steps<T> {
    /** The scope around this one in a {@link StepTask}. */
    @Nullable Steps<?> outer;

    /** Begins, in a task, on its loop; what to wait for first. Throws nothing: an error is a Mono too. */
    abstract Mono<?> begin(Task<?> task);

    /** A wait has ended: what to wait for next, or null if {@link #result} is there. What it throws ends the scope. */
    abstract @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception;

    /** Returns the result of the scope, or throws its error. */
    abstract @Nullable T result() throws Exception;

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
