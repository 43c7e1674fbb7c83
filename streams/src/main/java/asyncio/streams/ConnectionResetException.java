package asyncio.streams;

import java.net.SocketException;

/**
 * The connection is lost: its peer has reset it, or what is written goes nowhere. The same on every transport, as is
 * {@link BrokenPipeException}.
 *
 * <p>asyncio: {@code ConnectionResetError}.
 */
public class ConnectionResetException extends SocketException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, and to which connection */
    public ConnectionResetException(String message) {
        super(message);
    }
}
