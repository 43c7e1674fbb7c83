package asyncio.streams;

import java.nio.ByteBuffer;

/**
 * A protocol on a stream of bytes that lends the buffers into which what comes is put, and so makes no garbage for each
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
     * Called for a buffer to put bytes into, between its position and its limit; its position moves with them. Heap and
     * direct buffers will do. Each call is followed by one of {@link #bufferUpdated}.
     *
     * @param sizeHint how many bytes are expected; -1, which sockets always give, for any number
     * @return a writable buffer with room for at least one byte; one without is an error that ends the connection
     */
    ByteBuffer getBuffer(int sizeHint);

    /**
     * Called when bytes were put into the buffer.
     *
     * @param n how many, at least 1
     */
    void bufferUpdated(int n);

    /**
     * Called at most once, when the peer has said that nothing more comes.
     *
     * @return true to keep the transport open for writing, which TLS cannot; false, the default, closes it
     */
    default boolean eofReceived() {
        return false;
    }
}
