package asyncio.streams;

import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * A datagram that was received into a buffer: see {@link Sockets#sockRecvFromInto}.
 *
 * @param length the number of bytes that were put into the buffer
 * @param from the sender
 * @since 0.1
 */
public record Received(int length, InetSocketAddress from) {
    /** A datagram's length and sender. */
    public Received {
        Objects.requireNonNull(from, "from");
    }
}
