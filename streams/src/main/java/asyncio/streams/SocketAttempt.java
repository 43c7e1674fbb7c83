package asyncio.streams;

import java.io.IOException;
import java.nio.channels.IllegalBlockingModeException;
import java.nio.channels.SelectableChannel;
import org.jspecify.annotations.Nullable;

/**
 * One call of {@link Sockets}: an operation that is tried on the channel until it has ended. Created for each
 * subscription.
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
         * Takes something from the channel that must not be lost: tried when the waiter has resumed, so that a
         * cancellation comes either before that or too late.
         */
        READS,
        /** Writes piece by piece, as there is room; a cancellation stops it. */
        WRITES
    }

    SocketAttempt(SelectableChannel channel, Kind kind, String method) {
        this.channel = channel;
        this.kind = kind;
        this.method = method;
    }

    /** Does as much as possible now; returns false if the channel must become ready before the rest can be done. */
    abstract boolean isOverNow() throws IOException;

    /** Returns whether the enclosing operation has already claimed the channel. */
    boolean hasClaim() {
        return false;
    }

    /** Returns the result, when it has ended. */
    @Nullable T result() {
        return null;
    }

    /**
     * Like {@link #isOverNow}, for a non-blocking channel only.
     *
     * @throws IllegalBlockingModeException if the channel, and with it the loop, would block
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
