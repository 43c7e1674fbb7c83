package asyncio.streams;

import io.netty.buffer.ByteBuf;

/**
 * A transport for a stream of bytes: a TCP or Unix socket connection, with or without TLS. Created by
 * {@link Transports}.
 *
 * <p><b>Threading.</b> Every method may be called on any thread; off the transport's loop it takes effect in a later
 * tick of that loop. The writes of one thread are sent in order.
 *
 * <p><b>Errors.</b> A write never fails because the peer is gone: {@link BaseProtocol#connectionLost} reports that,
 * with {@link ConnectionResetException} or {@link BrokenPipeException}.
 *
 * <p>{@link #getExtraInfo(String)} knows {@code peername} and {@code sockname}, which are
 * {@link java.net.SocketAddress}es, and {@code socket}, the Netty channel, which remains owned by this library; with
 * TLS {@code sslcontext}, {@code ssl_object}, {@code peercert} and {@code cipher}, as
 * {@link StreamWriter#getExtraInfo(String)}. {@code compression} is always unknown, since the JDK's TLS has none.
 *
 * <p>A transport over an end of a pipe ({@link Transports#connectReadPipe}, a stream of a subprocess) has half of the
 * methods: those that read, or those that write; the others throw {@link UnsupportedOperationException}. Instead of
 * {@code socket} it knows {@code pipe}, until it is closed: the {@link java.nio.channels.Pipe} channel it was opened
 * with; the number of the descriptor, an {@link Integer}, on epoll; where threads do the work, the
 * {@link java.io.InputStream} or {@link java.io.OutputStream}. It is for looking at: reading and writing are the
 * transport's.
 *
 * <pre>{@code
 * Transport transport = await(Transports.createConnection(() -> new Protocol() {}, "localhost", 7)).transport();
 * transport.write("hello\n".getBytes(UTF_8));
 * transport.writeEof();
 * }</pre>
 *
 * <p>asyncio: {@code Transport}, {@code ReadTransport}, {@code WriteTransport}.
 *
 * @since 0.1
 */
public interface Transport extends BaseTransport {
    // ---- reading

    /**
     * Returns whether incoming bytes are passed to the protocol: not while reading is paused or the transport is
     * closing.
     *
     * @throws UnsupportedOperationException if it is an end of a pipe that writes
     */
    boolean isReading();

    /**
     * Stops passing incoming bytes to the protocol until {@link #resumeReading}: they stay in the operating system's
     * buffer, so that the peer has to wait. Until then the protocol is not told of the end of the stream either, nor of
     * a reset that follows data it has not received. Does nothing if already paused, or if the transport is closing.
     */
    void pauseReading();

    /** Resumes reading after {@link #pauseReading}, in a later tick of the loop. Does nothing otherwise. */
    void resumeReading();

    // ---- writing

    /**
     * Buffers bytes to be sent, and never waits: {@link BaseProtocol#pauseWriting} is called when writing should stop,
     * possibly before this returns. The array is copied. Bytes written in one tick of the loop are sent together. If
     * the transport is closing or lost, the bytes are dropped; the fifth such write logs a warning.
     *
     * @throws IllegalStateException after {@link #writeEof}
     */
    void write(byte[] data);

    /**
     * Like {@link #write(byte[])}, without copying: the transport takes ownership of the buffer and releases it, also
     * on failure.
     */
    void write(ByteBuf data);

    /** Like {@link #write(byte[])} with all of them joined. */
    void writelines(Iterable<byte[]> data);

    /**
     * Closes the write side once everything buffered has been sent: the peer sees the end of the stream and may
     * continue sending. A second call does nothing.
     *
     * @throws UnsupportedOperationException if {@link #canWriteEof} is false
     */
    void writeEof();

    /**
     * Returns whether the write side can be closed alone: not over TLS.
     *
     * @throws UnsupportedOperationException if it is an end of a pipe that reads
     */
    boolean canWriteEof();

    /**
     * Closes the transport at once and drops the buffered bytes; the peer sees a reset.
     * {@link BaseProtocol#connectionLost} is called with null, in a later tick of the loop. May be called on any
     * thread.
     */
    void abort();

    /**
     * Returns the number of bytes buffered and not yet sent. Exact on the loop without TLS; otherwise it may include
     * about 100 more bytes for each write.
     */
    int getWriteBufferSize();

    /** Returns the buffer sizes at which the protocol is paused and resumed. */
    WriteBufferLimits getWriteBufferLimits();

    /**
     * Sets the limits: {@link BaseProtocol#pauseWriting} is called when more than {@code high} bytes are buffered,
     * {@link BaseProtocol#resumeWriting} when no more than {@code low} are. The defaults are 64 KiB and 16 KiB, with
     * TLS 512 KiB and 128 KiB; Netty adds about 100 bytes for each write. The limits apply at once to the bytes already
     * buffered.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    default void setWriteBufferLimits(int high, int low) {
        setWriteBufferLimits(new WriteBufferLimits(low, high));
    }

    /** Like {@link #setWriteBufferLimits(int, int)}, with a quarter of {@code high} for {@code low}. */
    default void setWriteBufferLimits(int high) {
        setWriteBufferLimits(WriteBufferLimits.ofHigh(high));
    }

    /** Like {@link #setWriteBufferLimits(int, int)}. */
    void setWriteBufferLimits(WriteBufferLimits limits);
}
