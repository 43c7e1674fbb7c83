package asyncio.streams;

import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * The result of receiving a datagram into a buffer: see {@link Sockets#sockRecvFromInto}.
 *
 * @param length the number of bytes put into the buffer
 * @param from the sender
 * @since 0.1
 */
public record Received(int length, InetSocketAddress from) {
    /** Creates a result. */
    public Received {
        Objects.requireNonNull(from, "from");
    }
}
