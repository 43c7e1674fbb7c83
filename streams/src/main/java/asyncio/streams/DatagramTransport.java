package asyncio.streams;

import java.net.InetSocketAddress;

/**
 * A socket for datagrams, with the {@link DatagramProtocol} that is told what comes: see
 * {@link Transports#createDatagramEndpoint}.
 *
 * <p>Every method may be called on any thread; elsewhere than on the loop it takes effect in a later turn.
 *
 * <p>{@link #getExtraInfo} knows {@code sockname}, {@code peername} of one that is connected, and {@code socket}, the
 * {@link java.nio.channels.DatagramChannel}.
 *
 * <p>asyncio: {@code DatagramTransport}.
 *
 * @since 0.1
 */
public interface DatagramTransport extends BaseTransport {
    /**
     * Sends a datagram to the remote address of the options. Never waits: what the system has no room for is copied and
     * sent later, in order. The protocol is told of errors, by {@link DatagramProtocol#errorReceived}. Dropped when the
     * transport is closing; the fifth time a warning is logged.
     *
     * @throws IllegalStateException if there is no remote address
     */
    void sendTo(byte[] data);

    /**
     * As {@link #sendTo(byte[])}, to an address.
     *
     * @throws IllegalArgumentException if it is not resolved, or not the remote address of the options
     */
    void sendTo(byte[] data, InetSocketAddress to);

    /** Closes it at once: what is buffered is dropped. */
    void abort();

    /** The number of bytes that are buffered, and 8 for each datagram. */
    int getWriteBufferSize();

    /** When the protocol is paused and resumed; {@link WriteBufferLimits#DEFAULT} at first. */
    WriteBufferLimits getWriteBufferLimits();

    /** Sets when the protocol is paused and resumed; works at once on what is buffered. */
    void setWriteBufferLimits(WriteBufferLimits limits);

    /**
     * As {@link #setWriteBufferLimits(WriteBufferLimits)}.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    default void setWriteBufferLimits(int high, int low) {
        setWriteBufferLimits(new WriteBufferLimits(low, high));
    }
}
