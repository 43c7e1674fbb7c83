package asyncio.streams;

import java.net.SocketException;

/**
 * Thrown when the connection is lost: the peer has reset it, or written bytes no longer reach it. The same on every
 * transport, like {@link BrokenPipeException}.
 *
 * <p>asyncio: {@code ConnectionResetError}.
 */
public class ConnectionResetException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** @param message describes the error and names the connection */
    public ConnectionResetException(String message) {
        super(message);
    }
}
