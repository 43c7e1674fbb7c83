package asyncio.streams;

import java.net.SocketException;

/**
 * Thrown when this side has aborted the connection.
 *
 * <p>asyncio: {@code ConnectionAbortedError}.
 */
public class ConnectionAbortedException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** @param message describes the error and names the connection */
    public ConnectionAbortedException(String message) {
        super(message);
    }
}
