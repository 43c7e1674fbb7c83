package asyncio.streams;

import java.net.InetSocketAddress;
import java.util.Objects;

/**
 * A datagram that has come.
 *
 * @param data what is in it; empty for an empty one
 * @param from who has sent it
 * @since 0.1.0
 */
@SuppressWarnings("ArrayRecordComponent") // bytes, which nobody compares as records
public record Datagram(byte[] data, InetSocketAddress from) {
    /** A datagram. */
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
