package asyncio.streams;

import java.net.SocketException;

/**
 * A write that will not be read: the peer had closed its side, a child its stdin, before it came.
 *
 * <p>asyncio: {@code BrokenPipeError}.
 */
public class BrokenPipeException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, and to which connection or pipe */
    public BrokenPipeException(String message) {
        super(message);
    }
}
