package asyncio;

import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a {@link Task} or {@link Future} was cancelled. In a body it is thrown by an {@link Asyncio#await await}:
 * clean up (awaiting is allowed), then let it propagate. A body that catches it and returns normally has refused the
 * cancellation.
 *
 * <pre>{@code
 * try {
 *     await(sleep(Duration.ofHours(1)));
 * } catch (CancelledException e) {
 *     await(sleep(Duration.ofSeconds(1))); // cleaning up may await
 *     throw e;
 * }
 * }</pre>
 *
 * <p>asyncio: {@code CancelledError}. There it is a {@code BaseException}; here a {@code catch (Exception e)} catches
 * it, so catch narrower types, or rethrow.
 */
public class CancelledException extends CancellationException {
    private static final long serialVersionUID = 1L;

    /** @param message the message given to {@code cancel(message)}, or null */
    public CancelledException(@Nullable String message) {
        super(message);
    }

    /**
     * Returns the outcome that a cancellation leaves in a Future, a task or an {@link AwaitedSubscription}. There may
     * be a million of them, and the stack of the cancelling code is ten times as big as a Future, so it is kept in
     * debug mode only. Awaiting code gets the stack of the await.
     *
     * @param loop the loop with the debug mode to use; null for that of the JVM
     */
    public static CancelledException of(@Nullable EventLoop loop, @Nullable String message) {
        return EventLoop.debugs(loop) ? new CancelledException(message) : new Untraced(message);
    }

    /** Returns the exception to throw to users here: this one or, if it has no stack, a copy that has one. */
    CancelledException here() {
        return this;
    }

    /** Returns a copy that may be changed: the cancelled Future keeps this one and hands it out. */
    final CancelledException own(EventLoop loop) {
        return copyTo(of(loop, Log.message(this)));
    }

    final CancelledException copyTo(CancelledException copy) {
        for (Throwable suppressed : getSuppressed()) {
            copy.addSuppressed(suppressed);
        }
        return copy;
    }

    private static final class Untraced extends CancelledException {
        private static final long serialVersionUID = 1L;

        Untraced(@Nullable String message) {
            super(message);
        }

        @Override
        @SuppressWarnings("UnsynchronizedOverridesSynchronized") // touches nothing
        public Throwable fillInStackTrace() {
            return this;
        }

        @Override
        CancelledException here() {
            return copyTo(new CancelledException(getMessage()));
        }

        /** The usual text, with the name of the public class instead of this one. */
        @Override
        @SuppressWarnings("OverrideThrowableToString")
        public String toString() {
            String message = getLocalizedMessage();
            return CancelledException.class.getName() + (message == null ? "" : ": " + message);
        }
    }
}
