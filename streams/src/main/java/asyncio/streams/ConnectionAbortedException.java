package asyncio.streams;

import java.net.SocketException;

/**
 * The connection was given up by this side.
 *
 * <p>asyncio: {@code ConnectionAbortedError}.
 */
public class ConnectionAbortedException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, and to which connection */
    public ConnectionAbortedException(String message) {
        super(message);
    }
}
