package asyncio.streams;

import asyncio.EventLoop;
import org.jspecify.annotations.Nullable;

/**
 * A way to a peer, with the protocol that it tells what happens: the part that all kinds of transports have in common.
 *
 * <p><b>Threading.</b> Belongs to its event loop: the protocol's calls come there, and its methods are called there. On
 * another thread use {@link EventLoop#callSoonThreadsafe}. What may be called anywhere says so.
 *
 * <p>asyncio: {@code BaseTransport}.
 *
 * @since 0.1
 */
public interface BaseTransport extends AutoCloseable {
    /**
     * Closes it when all that is buffered has been sent; nothing more is received. Then
     * {@link BaseProtocol#connectionLost} is called with null. Returns at once; closing twice does nothing. May be
     * called on any thread.
     */
    @Override
    void close();

    /** Whether it is closed or being closed, by whichever side. May be called on any thread. */
    boolean isClosing();

    /**
     * Returns a property that asyncio knows by a name, such as {@code peername}; null for an unknown one. Which there
     * are is told by the kind of transport. May be called on any thread.
     */
    default @Nullable Object getExtraInfo(String name) {
        return getExtraInfo(name, null);
    }

    /** As {@link #getExtraInfo(String)}, with another value for what is unknown or not there. */
    @Nullable Object getExtraInfo(String name, @Nullable Object defaultValue);

    /** The loop that it works on. May be called on any thread. */
    EventLoop getLoop();

    /**
     * Gives it another protocol, which from here on is told what happens; {@link BaseProtocol#connectionMade} is not
     * called for it.
     *
     * @throws IllegalArgumentException if it is of no kind that this transport serves
     */
    void setProtocol(BaseProtocol<?> protocol);

    /** The protocol that is told what happens. */
    BaseProtocol<?> getProtocol();
}
