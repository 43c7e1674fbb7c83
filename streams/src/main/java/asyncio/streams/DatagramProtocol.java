package asyncio.streams;

import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * Receives datagrams. Every method does nothing unless it is overridden.
 *
 * <pre>{@code
 * class Echo implements DatagramProtocol {
 *     private DatagramTransport transport;
 *
 *     @Override
 *     public void connectionMade(DatagramTransport transport) {
 *         this.transport = transport;
 *     }
 *
 *     @Override
 *     public void datagramReceived(byte[] data, InetSocketAddress from) {
 *         transport.sendTo(data, from);
 *     }
 * }
 * }</pre>
 *
 * <p><b>Errors.</b> An exception thrown by a method is reported to the loop's exception handler, with the protocol and
 * the transport, and the transport stays open, so that one malformed datagram does not end a server. Only an exception
 * from {@code connectionMade} aborts it.
 *
 * <p>asyncio: {@code DatagramProtocol}.
 *
 * @see BaseProtocol about threads and order
 * @since 0.1
 */
public interface DatagramProtocol extends BaseProtocol<DatagramTransport> {
    /**
     * Called with each datagram as it arrives.
     *
     * @param data the bytes, owned by the protocol from here on; an empty array for an empty datagram
     * @param from the sender
     */
    default void datagramReceived(byte[] data, InetSocketAddress from) {}

    /**
     * Called when a datagram could not be sent or received; the transport stays open. On a connected transport,
     * {@link java.net.PortUnreachableException} means that a datagram sent earlier was refused.
     *
     * @param error the system's error
     */
    default void errorReceived(IOException error) {}
}
