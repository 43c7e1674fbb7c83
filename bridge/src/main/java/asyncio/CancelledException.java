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
}
