package asyncio.streams;

import java.net.SocketException;

/**
 * Thrown for written bytes that will not be read: the peer had closed its side, or a child its stdin, before they
 * arrived.
 *
 * <p>asyncio: {@code BrokenPipeError}.
 */
public class BrokenPipeException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** @param message describes the error and names the connection or pipe */
    public BrokenPipeException(String message) {
        super(message);
    }
}
