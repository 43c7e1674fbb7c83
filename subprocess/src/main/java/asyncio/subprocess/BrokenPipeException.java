package asyncio.subprocess;

import java.io.IOException;

/**
 * What was written to a child's stdin will not be read: it has closed it, or has ended.
 *
 * <p>asyncio: {@code BrokenPipeError}.
 */
public class BrokenPipeException extends IOException {
    private static final long serialVersionUID = 1L;

    /** @param message whose stdin */
    public BrokenPipeException(String message) {
        super(message);
    }
}
