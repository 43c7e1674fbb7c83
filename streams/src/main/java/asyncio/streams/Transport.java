package asyncio.streams;

import io.netty.buffer.ByteBuf;

/**
 * A transport for a stream of bytes: a TCP connection or a Unix one, each with TLS or without. Made by
 * {@link Transports}.
 *
 * <p><b>Threading.</b> Every method may be called on any thread; elsewhere than on the transport's loop it takes effect
 * in a later turn of that. Writes of one thread go out in their order.
 *
 * <p><b>Errors.</b> A write never fails because the peer is gone: {@link BaseProtocol#connectionLost} tells that, with
 * {@link ConnectionResetException} or {@link BrokenPipeException}.
 *
 * <p>{@link #getExtraInfo(String)} knows {@code peername} and {@code sockname}, which are
 * {@link java.net.SocketAddress}es, and {@code socket}, the Netty channel, which stays this library's property; with
 * TLS {@code sslcontext}, {@code ssl_object}, {@code peercert} and {@code cipher}, as
 * {@link StreamWriter#getExtraInfo(String)}. {@code compression} is always unknown, since the JDK's TLS has none.
 *
 * <p>asyncio: {@code Transport}, {@code ReadTransport}, {@code WriteTransport}.
 *
 * @since 0.1
 */
public interface Transport extends BaseTransport {
    // ---- reading

    /** Whether bytes that come are given to the protocol: not while reading is paused, not when it is closing. */
    boolean isReading();

    /**
     * Stops giving the protocol what comes, until {@link #resumeReading}: it stays with the operating system, so that
     * the peer has to wait. Nor is the protocol told of the end then, nor of a reset behind data that it has not had.
     * Calling it twice does nothing, nor does calling it when it is closing.
     */
    void pauseReading();

    /** Resumes what {@link #pauseReading} has stopped, in a later turn of the loop. Does nothing otherwise. */
    void resumeReading();

    // ---- writing

    /**
     * Buffers bytes to be sent, and never waits: {@link BaseProtocol#pauseWriting} tells when it is time to stop, if
     * need be before this returns. The array is copied. What is written in one turn of the loop goes out together.
     * Dropped if the transport is closing or lost; the fifth time a warning is logged.
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

    /**
     * Returns the number of bytes that are buffered and not yet sent. Exact on the loop, without TLS; elsewhere about
     * 100 bytes for each write may come on top.
     */
    int getWriteBufferSize();

    /** From which sizes on the protocol is paused and resumed. */
    WriteBufferLimits getWriteBufferLimits();

    /**
     * Sets when {@link BaseProtocol#pauseWriting} is called, when more than {@code high} bytes are buffered, and when
     * {@link BaseProtocol#resumeWriting} is, when no more than {@code low} are. At first they are 64 KiB and 16 KiB,
     * with TLS 512 KiB and 128 KiB; Netty counts about 100 bytes for each write on top. It works at once on what is
     * buffered.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    default void setWriteBufferLimits(int high, int low) {
        setWriteBufferLimits(new WriteBufferLimits(low, high));
    }

    /** As {@link #setWriteBufferLimits(int, int)}, with a quarter of {@code high} for {@code low}. */
    default void setWriteBufferLimits(int high) {
        setWriteBufferLimits(WriteBufferLimits.ofHigh(high));
    }

    /** As {@link #setWriteBufferLimits(int, int)}. */
    void setWriteBufferLimits(WriteBufferLimits limits);
}
