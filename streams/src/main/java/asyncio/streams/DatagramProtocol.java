package asyncio.streams;

import java.io.IOException;
import java.net.InetSocketAddress;

/**
 * The receiver of datagrams. Every method does nothing unless it is overridden.
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
 * <p><b>Errors.</b> What a method throws goes to the loop's exception handler, with the protocol and the transport, and
 * the transport stays open: one datagram that is not understood ends no server. Only {@code connectionMade} aborts it.
 *
 * <p>asyncio: {@code DatagramProtocol}.
 *
 * @see BaseProtocol about threads and order
 * @since 0.1
 */
public interface DatagramProtocol extends BaseProtocol<DatagramTransport> {
    /**
     * Called with each datagram, as they come.
     *
     * @param data the protocol's own from here on; empty for an empty one
     * @param from the sender
     */
    default void datagramReceived(byte[] data, InetSocketAddress from) {}

    /**
     * Called when a datagram could not be sent or received; the transport stays open. A transport that is connected is
     * so told, by {@link java.net.PortUnreachableException}, that one sent before was refused.
     *
     * @param error the system's
     */
    default void errorReceived(IOException error) {}
}
