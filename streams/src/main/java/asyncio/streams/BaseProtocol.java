package asyncio.streams;

import org.jspecify.annotations.Nullable;

/**
 * Receives the events of a transport: the part common to all kinds of protocols. Every method does nothing unless it is
 * overridden.
 *
 * <p><b>Threading.</b> All methods are called on the transport's event loop, one at a time, and must not block. During
 * a call, {@link asyncio.EventLoop#getRunningLoop()} is the transport's loop.
 *
 * <p><b>Order.</b> {@link #connectionMade} first, once; {@link #connectionLost} last, once; between them
 * {@link #pauseWriting} and {@link #resumeWriting}, strictly alternating, and the data methods of the kind of protocol.
 *
 * <p><b>Errors.</b> An exception thrown by a method is reported to the loop's exception handler, with the protocol and
 * the transport, and the transport is aborted. After {@code pauseWriting} and {@code resumeWriting} it stays open, as
 * in asyncio.
 *
 * <p>asyncio: {@code BaseProtocol}.
 *
 * @param <T> the kind of transport it works with
 * @since 0.1
 */
public interface BaseProtocol<T extends BaseTransport> {
    /**
     * Called once, before anything else. Nothing is read before it returns, nor after it if it has
     * {@linkplain Transport#pauseReading paused} reading.
     *
     * @param transport the transport to reply with
     */
    default void connectionMade(T transport) {}

    /**
     * Called once, when the transport is gone: no method is called after it.
     *
     * @param cause the error that broke the connection; null if it was closed or aborted by this side, or ended by the
     *     peer
     */
    default void connectionLost(@Nullable Throwable cause) {}

    /** Called when more is buffered than the high limit: see {@link Transport#setWriteBufferLimits(int, int)}. */
    default void pauseWriting() {}

    /** Called after {@link #pauseWriting}, when no more than the low limit is buffered. */
    default void resumeWriting() {}
}
