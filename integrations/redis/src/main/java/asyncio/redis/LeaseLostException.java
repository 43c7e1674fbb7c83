package asyncio.redis;

import org.jspecify.annotations.Nullable;

/**
 * The error of work whose permit the server has given up, or may have: the lease was over before it could be renewed.
 * Another machine may be in by now.
 *
 * @since 0.1
 */
public class LeaseLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message what was lost, and after what time
     * @param cause what kept it from being renewed; null if the server says that it is gone
     */
    public LeaseLostException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
