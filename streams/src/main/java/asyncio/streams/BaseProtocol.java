package asyncio.streams;

import org.jspecify.annotations.Nullable;

/**
 * The receiver of what happens to a transport: the part that all kinds of protocols have in common. Every method does
 * nothing unless it is overridden.
 *
 * <p><b>Threading.</b> All methods are called on the transport's event loop, one at a time, and must not block. In them
 * {@link asyncio.EventLoop#getRunningLoop()} is the transport's loop.
 *
 * <p><b>Order.</b> {@link #connectionMade} first, once; {@link #connectionLost} last, once; between them
 * {@link #pauseWriting} and {@link #resumeWriting} strictly in turns, and what the kind of protocol has for data.
 *
 * <p><b>Errors.</b> What a method throws goes to the loop's exception handler, with the protocol and the transport, and
 * the transport is aborted; after {@code pauseWriting} and {@code resumeWriting} it stays open, as in asyncio.
 *
 * <p>asyncio: {@code BaseProtocol}.
 *
 * @param <T> the kind of transport it works with
 * @since 0.1
 */
public interface BaseProtocol<T extends BaseTransport> {
    /**
     * Called once, before anything else. Nothing is read before it returns, and nothing while it has
     * {@linkplain Transport#pauseReading paused} that.
     *
     * @param transport to answer with
     */
    default void connectionMade(T transport) {}

    /**
     * Called once, when the transport is gone: nothing is called after it.
     *
     * @param cause what broke the connection; null if it was closed or aborted by this side, or ended by the peer
     */
    default void connectionLost(@Nullable Throwable cause) {}

    /** Called when more is buffered than the high limit: see {@link Transport#setWriteBufferLimits(int, int)}. */
    default void pauseWriting() {}

    /** Called after {@link #pauseWriting}, when what is buffered is down to the low limit. */
    default void resumeWriting() {}
}
