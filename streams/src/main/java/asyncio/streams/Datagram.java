package asyncio.streams;

import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * A received datagram.
 *
 * @param data its bytes; an empty array for an empty datagram
 * @param from the sender
 * @since 0.1.0
 */
@SuppressWarnings("ArrayRecordComponent") // never compared as records
public record Datagram(byte[] data, InetSocketAddress from) {
    /** Creates a datagram. */
    public Datagram {
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(from, "from");
    }

    /** {@code <Datagram of 5 bytes from /127.0.0.1:5353>}. */
    @Override
    public String toString() {
        return "<Datagram of " + data.length + " bytes from " + from + ">";
    }
}
