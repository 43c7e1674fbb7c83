package asyncio.streams;

import java.io.IOException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link Sockets}: what is tried on the channel until it is over. Made for each subscription.
 *
 * @param <T> the type of the result
 */
abstract class SocketAttempt<T> {
    final SelectableChannel channel;
    final Kind kind;
    final String method;

    /** The use of the channel. */
    enum Kind {
        /**
         * Takes something from the channel, which must not be lost: tried when the one who waits has resumed, so that a
         * cancellation comes either before that or too late.
         */
        READS,
        /** Goes on piece by piece, as there is room; a cancellation stops it. */
        WRITES
    }

    SocketAttempt(SelectableChannel channel, Kind kind, String method) {
        this.channel = channel;
        this.kind = kind;
        this.method = method;
    }

    /** Does as much as can be done now; false if the channel must become ready before the rest can be done. */
    abstract boolean isOverNow() throws IOException;

    /** Whether the channel is taken already for what this is a part of. */
    boolean hasClaim() {
        return false;
    }

    /** Returns the result, when it is over. */
    @Nullable T result() {
        return null;
    }

    /**
     * As {@link #isOverNow}, unless the channel would block.
     *
     * @throws IllegalBlockingModeException if it would, and with it the loop
     */
    final boolean tryNow() throws IOException {
        if (channel.isBlocking()) {
            throw new IllegalBlockingModeException();
        }
        return isOverNow();
    }

    @Override
    public String toString() {
        return method + "() of " + channel;
    }
}
