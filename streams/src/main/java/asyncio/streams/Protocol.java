package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;

/**
 * A protocol for a stream of bytes that receives incoming bytes as arrays.
 *
 * <pre>{@code
 * class Echo implements Protocol {
 *     private Transport transport;
 *
 *     @Override
 *     public void connectionMade(Transport transport) {
 *         this.transport = transport;
 *     }
 *
 *     @Override
 *     public void dataReceived(byte[] data) {
 *         transport.write(data);
 *     }
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Protocol}.
 *
 * @see BaseProtocol about threads, the order of calls, and errors
 * @since 0.1
 */
public interface Protocol extends BaseProtocol<Transport> {
    /**
     * Called with incoming bytes, at least one, in chunks as they arrive: these are neither lines nor messages.
     *
     * @param data the bytes, owned by the protocol from here on
     */
    default void dataReceived(byte[] data) {}

    /**
     * Called with the transport's own buffer, for a protocol that needs no copy. By default it copies the bytes,
     * releases the buffer and calls {@link #dataReceived}; a protocol that overrides it gets no calls of
     * {@code dataReceived}.
     *
     * @param data the buffer, owned by the protocol from here on, which must release it
     */
    default void dataReceivedRetained(ByteBuf data) {
        byte[] bytes;
        try {
            bytes = ByteBufUtil.getBytes(data);
        } finally {
            data.release();
        }
        dataReceived(bytes);
    }

    /**
     * Called at most once, when the peer has closed its write side.
     *
     * @return true to keep the transport open for writing, which is not possible with TLS or with a Unix socket on NIO;
     *     false, the default, closes it
     */
    default boolean eofReceived() {
        return false;
    }
}
