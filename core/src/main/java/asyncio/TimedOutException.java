package asyncio;

import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a time limit of this library has passed; catch it as {@link TimeoutException}. A timer makes it, and the
 * timer's stack says nothing, so each {@code await} in a body throws a copy with the stack trace of the {@code await}.
 * The original is left unchanged, since other bodies and subscribers may have it.
 *
 * <p>Thread-safe, like every exception.
 *
 * <pre>{@code
 * try {
 *     await(waitFor(sleep(Duration.ofHours(1)), Duration.ofSeconds(1)));
 * } catch (TimedOutException e) {
 *     System.out.println("not within a second");
 * }
 * }</pre>
 *
 * @since 0.1
 */
public class TimedOutException extends TimeoutException {
    private static final long serialVersionUID = 1L;

    /** Whether the stack trace is that of an {@code await}. */
    private boolean awaited;

    /**
     * Makes an exception with a message.
     *
     * @param message the event, the time after which it occurred, and what to do
     * @since 0.1
     */
    public TimedOutException(@Nullable String message) {
        super(message);
    }

    /**
     * Returns a new exception with the same message and fields, but without cause and suppressed exceptions, which the
     * caller adds. A subclass with fields overrides it.
     *
     * @since 0.1
     */
    protected TimedOutException copy() {
        return new TimedOutException(getMessage());
    }

    /** Returns the exception to throw at the user's {@code await} that calls this. */
    final TimedOutException here() {
        if (awaited) {
            return this; // another body awaited it, and did not catch it
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
