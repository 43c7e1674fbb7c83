package asyncio.streams;

import java.net.InetSocketAddress;

/**
 * A datagram socket and the {@link DatagramProtocol} that receives from it: see
 * {@link Transports#createDatagramEndpoint}.
 *
 * <p>Every method may be called on any thread; off the loop it takes effect in a later tick.
 *
 * <p>{@link #getExtraInfo} knows {@code sockname}, {@code peername} if the socket is connected, and {@code socket}, the
 * {@link java.nio.channels.DatagramChannel}.
 *
 * <pre>{@code
 * DatagramTransport transport = await(Transports.createDatagramEndpoint(
 *         () -> new DatagramProtocol() {}, DatagramOptions.builder().remoteAddress("localhost", 9999).build())).transport();
 * transport.sendTo("hello".getBytes(UTF_8));
 * transport.close();
 * }</pre>
 *
 * <p>asyncio: {@code DatagramTransport}.
 *
 * @since 0.1
 */
public interface DatagramTransport extends BaseTransport {
    /**
     * Sends a datagram to the remote address of the options. Never waits: a datagram for which the system has no room
     * is copied and sent later, in order. Errors are reported to {@link DatagramProtocol#errorReceived}. If the
     * transport is closing, the datagram is dropped; the fifth such call logs a warning.
     *
     * @throws IllegalStateException if there is no remote address
     */
    void sendTo(byte[] data);

    /**
     * Like {@link #sendTo(byte[])}, to an address.
     *
     * @throws IllegalArgumentException if the address is not resolved, or not the remote address of the options
     */
    void sendTo(byte[] data, InetSocketAddress to);

    /** Closes the transport at once and drops buffered datagrams. */
    void abort();

    /** Returns the number of buffered bytes, plus 8 for each datagram. */
    int getWriteBufferSize();

    /**
     * Returns the buffer sizes at which the protocol is paused and resumed; {@link WriteBufferLimits#DEFAULT} by
     * default.
     */
    WriteBufferLimits getWriteBufferLimits();

    /**
     * Sets the buffer sizes at which the protocol is paused and resumed. Applies at once to datagrams already buffered.
     */
    void setWriteBufferLimits(WriteBufferLimits limits);

    /**
     * Like {@link #setWriteBufferLimits(WriteBufferLimits)}.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    default void setWriteBufferLimits(int high, int low) {
        setWriteBufferLimits(new WriteBufferLimits(low, high));
    }
}
