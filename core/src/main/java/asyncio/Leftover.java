package asyncio;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Something that a program has left behind; see {@link Leftovers}.
 *
 * @param kind its kind
 * @param description its description
 * @param exception for {@link Kind#EXCEPTION}: the exception that was not retrieved or handled
 * @param createdAt where it was made, innermost first; empty outside of debug mode
 */
public record Leftover(
        Kind kind, String description, @Nullable Throwable exception, List<StackTraceElement> createdAt) {
    /** The kinds of leftovers. */
    public enum Kind {
        /** A task that has not ended. */
        TASK,
        /** A coroutine that was never awaited. */
        COROUTINE,
        /** An exception that was not retrieved or handled. */
        EXCEPTION,
        /** A permit of a lock or a semaphore that was not released. */
        PERMIT,
        /** A connection, a server or another channel that was not closed. */
        CONNECTION,
        /** A child process that still runs. */
        PROCESS,
        /** A buffer of Netty's that was not released. */
        BUFFER,
        /** A thread that has not ended. */
        THREAD
    }

    /** Copies the list. */
    public Leftover {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(description, "description");
        createdAt = List.copyOf(createdAt);
    }
}
