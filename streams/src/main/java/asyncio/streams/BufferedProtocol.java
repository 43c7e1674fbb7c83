package asyncio.streams;

import java.nio.ByteBuffer;

/**
 * A protocol for a stream of bytes that provides the buffers for incoming bytes, and so avoids an allocation for each
 * read.
 *
 * <pre>{@code
 * class Counting implements BufferedProtocol {
 *     private final ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
 *     private long count;
 *
 *     @Override
 *     public ByteBuffer getBuffer(int sizeHint) {
 *         return buffer.clear();
 *     }
 *
 *     @Override
 *     public void bufferUpdated(int n) {
 *         count += n;                               // the n bytes before buffer.position()
 *     }
 * }
 * }</pre>
 *
 * <p>The bytes are copied once, out of the transport's own buffer.
 *
 * <p>asyncio: {@code BufferedProtocol}.
 *
 * @see BaseProtocol about threads, the order of calls, and errors
 * @since 0.1
 */
public interface BufferedProtocol extends BaseProtocol<Transport> {
    /**
     * Called to get a buffer for incoming bytes. They are put between its position and its limit, and the position is
     * advanced. The buffer may be a heap or a direct one. Each call is followed by one of {@link #bufferUpdated}.
     *
     * @param sizeHint the number of bytes expected; -1, as always with sockets, for any number
     * @return a writable buffer with room for at least one byte; a buffer without room is an error that ends the
     *     connection
     */
    ByteBuffer getBuffer(int sizeHint);

    /**
     * Called when bytes have been put into the buffer.
     *
     * @param n the number of bytes, at least 1
     */
    void bufferUpdated(int n);

    /**
     * Called at most once, when the peer has closed its write side.
     *
     * @return true to keep the transport open for writing, which is not possible with TLS; false, the default, closes
     *     it
     */
    default boolean eofReceived() {
        return false;
    }
}
