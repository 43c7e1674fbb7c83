package asyncio.streams;

import asyncio.EventLoop;
import org.jspecify.annotations.Nullable;

/**
 * A channel to a peer and the protocol that receives its events: the part common to all kinds of transports.
 *
 * <p><b>Threading.</b> A transport belongs to its event loop: the protocol is called there, and the transport's methods
 * must be called there. From another thread use {@link EventLoop#callSoonThreadsafe}. Methods that may be called on any
 * thread say so.
 *
 * <p>asyncio: {@code BaseTransport}.
 *
 * @since 0.1
 */
public interface BaseTransport extends AutoCloseable {
    /**
     * Closes the transport once everything buffered has been sent; nothing more is received. Then
     * {@link BaseProtocol#connectionLost} is called with null. Returns at once; closing twice does nothing. May be
     * called on any thread.
     */
    @Override
    void close();

    /** Returns whether the transport is closed or being closed, by either side. May be called on any thread. */
    boolean isClosing();

    /**
     * Returns a property by its asyncio name, such as {@code peername}; null for an unknown one. Each kind of transport
     * lists its properties. May be called on any thread.
     */
    default @Nullable Object getExtraInfo(String name) {
        return getExtraInfo(name, null);
    }

    /** Like {@link #getExtraInfo(String)}, with a default for a property that is unknown or absent. */
    @Nullable Object getExtraInfo(String name, @Nullable Object defaultValue);

    /** The loop that this transport belongs to. May be called on any thread. */
    EventLoop getLoop();

    /**
     * Replaces the protocol: the new one receives all events from here on, without a call of
     * {@link BaseProtocol#connectionMade}.
     *
     * @throws IllegalArgumentException if this transport does not support that kind of protocol
     */
    void setProtocol(BaseProtocol<?> protocol);

    /** The protocol that receives the events. */
    BaseProtocol<?> getProtocol();
}
