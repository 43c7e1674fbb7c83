package asyncio;

import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A time limit of this library's has passed: a {@link TimeoutException}, as which it is to be caught. It is made by a
 * timer, whose stack says nothing, so each {@code await} in a body that it comes out of throws a copy, whose stack
 * trace is that of the {@code await}. The one that was made is left as it is: other bodies and subscribers may have it.
 *
 * <p>Thread-safe as every exception.
 *
 * @since 0.1
 */
public class TimedOutException extends TimeoutException {
    private static final long serialVersionUID = 1L;

    /** Whether the stack trace is that of an {@code await}. */
    private boolean awaited;

    /**
     * An exception with a message.
     *
     * @param message what happened, after how long, and what to do
     * @since 0.1
     */
    public TimedOutException(@Nullable String message) {
        super(message);
    }

    /**
     * A new exception with the same message and fields, but without cause and suppressed exceptions, which the caller
     * adds. A subclass with fields overrides it.
     *
     * @since 0.1
     */
    protected TimedOutException copy() {
        return new TimedOutException(getMessage());
    }

    /** The exception to throw at the user's {@code await} that is calling this. */
    final TimedOutException here() {
        if (awaited) {
            return this; // another body awaited it, and let it out
        }
        TimedOutException copy = copy();
        copy.awaited = true;
        if (getCause() != null) {
            copy.initCause(getCause());
        }
        for (Throwable suppressed : getSuppressed()) {
            copy.addSuppressed(suppressed);
        }
        return copy;
    }
}
