package asyncio;

import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Task} or {@link Future} was cancelled. Inside a body it arrives at an {@link Asyncio#await await}: clean up
 * (awaiting is allowed), then let it go on. A body that catches it and returns normally has refused the cancellation.
 *
 * <p>asyncio: {@code CancelledError}. There it is a {@code BaseException}; here a {@code catch (Exception e)} catches
 * it, so catch narrower types, or rethrow.
 */
public class CancelledException extends CancellationException {
    private static final long serialVersionUID = 1L;

    /** @param message what {@code cancel(message)} was given, or null */
    public CancelledException(@Nullable String message) {
        super(message);
    }

    /**
     * Returns the outcome that a cancellation leaves in a Future, a task or an {@link AwaitedSubscription}. There may
     * be a million of them, and the stack of who cancelled is ten times as big as a Future: so it is kept in debug mode
     * only. Who awaits gets the stack of the await.
     *
     * @param loop whose debug mode counts; null for that of the JVM
     */
    public static CancelledException of(@Nullable EventLoop loop, @Nullable String message) {
        return EventLoop.debugs(loop) ? new CancelledException(message) : new Untraced(message);
    }

    /** Returns the exception to throw to users here: this, or if this has no stack, another one that has. */
    CancelledException here() {
        return this;
    }

    /** A copy, to add to: the Future that was cancelled has this one, and gives it to others. */
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

        /** Not another message, but without a name that tells users nothing. */
        @Override
        @SuppressWarnings("OverrideThrowableToString")
        public String toString() {
            String message = getLocalizedMessage();
            return CancelledException.class.getName() + (message == null ? "" : ": " + message);
        }
    }
}
