package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;

/**
 * A protocol on a stream of bytes that is given what comes as arrays.
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
     * Called with bytes that have come, at least one, as they come: neither lines nor messages.
     *
     * @param data the protocol's own from here on
     */
    default void dataReceived(byte[] data) {}

    /**
     * Called with the transport's own buffer, for a protocol that can do without a copy. By default it copies the
     * bytes, releases the buffer and calls {@link #dataReceived}; whoever overrides it gets no calls of that.
     *
     * @param data the protocol's own from here on, which it must release
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
     * Called at most once, when the peer has said that nothing more comes.
     *
     * @return true to keep the transport open for writing, which TLS cannot; false, the default, closes it
     */
    default boolean eofReceived() {
        return false;
    }
}
