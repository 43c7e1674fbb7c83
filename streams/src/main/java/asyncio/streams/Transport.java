package asyncio.streams;

import io.netty.buffer.ByteBuf;

/**
 * A transport for a stream of bytes: a TCP connection, a Unix one, each with TLS or without, or an end of a pipe. Made
 * by {@code Transports}.
 *
 * <p>A pipe goes in one direction; what its missing half would do throws {@link UnsupportedOperationException}.
 *
 * <p>{@link #getExtraInfo(String)} knows {@code peername}, {@code sockname}, {@code socket}; with TLS
 * {@code sslcontext}, {@code ssl_object}, {@code peercert}, {@code cipher}, {@code compression}; of a pipe
 * {@code pipe}.
 *
 * <p>asyncio: {@code Transport}, {@code ReadTransport}, {@code WriteTransport}.
 *
 * @see BaseTransport about threads
 * @since 0.1
 */
public interface Transport extends BaseTransport {
    // ---- reading

    /** Whether bytes that come are given to the protocol: not while reading is paused, not when it is closing. */
    boolean isReading();

    /**
     * Stops giving the protocol what comes, until {@link #resumeReading}: it stays with the operating system, so that
     * the peer has to wait. Calling it twice does nothing, nor does calling it when it is closing.
     */
    void pauseReading();

    /** Resumes what {@link #pauseReading} has stopped. Does nothing otherwise. */
    void resumeReading();

    // ---- writing

    /**
     * Buffers bytes to be sent, and never waits: how much there is, {@link BaseProtocol#pauseWriting} tells. The array
     * is copied. What is written in one turn of the loop goes out together. Dropped if the transport is closing or
     * lost; after that has happened five times, one warning is logged.
     *
     * @throws IllegalStateException after {@link #writeEof}
     */
    void write(byte[] data);

    /**
     * As {@link #write(byte[])}, without copying: the transport owns the buffer from here on and releases it, whatever
     * happens.
     */
    void write(ByteBuf data);

    /** As {@link #write(byte[])} of all of them joined. */
    void writelines(Iterable<byte[]> data);

    /**
     * Closes the write side when all that is buffered has been sent: the peer sees the end of the stream, and may keep
     * sending. A second call does nothing.
     *
     * @throws UnsupportedOperationException if {@link #canWriteEof} is false
     */
    void writeEof();

    /** Whether the write side can be closed alone: not over TLS. */
    boolean canWriteEof();

    /**
     * Closes it at once and drops what is buffered; the peer sees a reset. {@link BaseProtocol#connectionLost} is
     * called with null, in a later turn of the loop. May be called on any thread.
     */
    void abort();

    /** How many bytes are buffered and not yet sent. */
    int getWriteBufferSize();

    /** From which sizes on the protocol is paused and resumed. */
    WriteBufferLimits getWriteBufferLimits();

    /**
     * Sets when {@link BaseProtocol#pauseWriting} is called, when more than {@code high} bytes are buffered, and when
     * {@link BaseProtocol#resumeWriting} is, when no more than {@code low} are. At first they are 64 KiB and 16 KiB,
     * with TLS 512 KiB and 128 KiB. It works at once on what is buffered.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    void setWriteBufferLimits(int high, int low);

    /** As {@link #setWriteBufferLimits(int, int)}, with a quarter of {@code high} for {@code low}. */
    default void setWriteBufferLimits(int high) {
        setWriteBufferLimits(high, high / 4);
    }
}
