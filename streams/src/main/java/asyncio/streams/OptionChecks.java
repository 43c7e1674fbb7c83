package asyncio.streams;

import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;

/** Checks of options. */
final class OptionChecks {
    private OptionChecks() {}

    static Duration positive(String name, Duration duration) {
        if (duration.isZero() || duration.isNegative()) {
            throw new IllegalArgumentException(name + " must be positive, not " + duration);
        }
        return duration;
    }

    /**
     * Returns the address on which a socket listens.
     *
     * @throws IllegalArgumentException if it does not
     */
    static SocketAddress listening(ServerSocketChannel socket) {
        SocketAddress address;
        try {
            address = socket.getLocalAddress();
        } catch (IOException e) {
            throw new IllegalArgumentException("A listening socket was expected, not " + socket, e);
        }
        if (address == null) {
            throw new IllegalArgumentException("A listening socket was expected: first call bind() on " + socket);
        }
        return address;
    }

    static void partOfFile(String method, long offset, long count) {
        if (offset < 0 || count < 0) {
            throw new IllegalArgumentException(
                    "The offset (" + offset + ") and the count (" + count + ") of " + method + " must be >= 0");
        }
    }

    /** Converts to milliseconds for Netty's timers; at least 1, since 0 means no limit there. */
    static long millis(Duration duration) {
        try {
            return Math.max(1, duration.toMillis());
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE; // too long for a number of milliseconds: practically no limit
        }
    }
}
