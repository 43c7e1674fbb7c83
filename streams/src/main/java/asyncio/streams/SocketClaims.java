package asyncio.streams;

import java.nio.channels.SelectableChannel;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The calls of {@link Sockets} that wait for a channel: at most one that reads and one that writes. */
final class SocketClaims {
    private static final ConcurrentHashMap<SelectableChannel, Object> READING = new ConcurrentHashMap<>();
    private static final ConcurrentHashMap<SelectableChannel, Object> WRITING = new ConcurrentHashMap<>();

    private SocketClaims() {}

    private static ConcurrentHashMap<SelectableChannel, Object> claims(SocketAttempt.Kind kind) {
        return kind == SocketAttempt.Kind.READS ? READING : WRITING;
    }

    /**
     * Claims the channel for a call.
     *
     * @throws IllegalStateException if another one waits for it
     */
    static void take(SocketAttempt<?> attempt) {
        check(attempt, claims(attempt.kind).putIfAbsent(attempt.channel, attempt));
    }

    /** @throws IllegalStateException if another call waits for the channel */
    static void check(SocketAttempt<?> attempt) {
        check(attempt, claims(attempt.kind).get(attempt.channel));
    }

    private static void check(SocketAttempt<?> attempt, @Nullable Object other) {
        if (other != null && other != attempt) {
            throw new IllegalStateException(attempt + " called while " + other + " waits to "
                    + (attempt.kind == SocketAttempt.Kind.READS ? "read from" : "write to")
                    + " it: a channel allows one call of each kind at a time");
        }
    }

    /** Releases the channel, if this call has claimed it. */
    static void release(SocketAttempt<?> attempt) {
        claims(attempt.kind).remove(attempt.channel, attempt);
    }
}
