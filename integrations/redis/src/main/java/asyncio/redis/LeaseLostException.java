package asyncio.redis;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a lease is lost, or may be: it expired before it could be renewed. Another machine may hold the lease by
 * now.
 *
 * @since 0.1
 */
public class LeaseLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message the description of the lost lease, and its length
     * @param cause the reason why it could not be renewed; null if the server reports it as gone
     */
    public LeaseLostException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
