package asyncio;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A report to a loop's exception handler about an exception that is not handled elsewhere.
 *
 * <pre>{@code
 * loop.setExceptionHandler((l, context) -> {
 *     metrics.increment("asyncio.errors");
 *     l.defaultExceptionHandler(context);
 * });
 * loop.callExceptionHandler(ExceptionContext.of("the feed ended").exception(error).transport(channel).build());
 * }</pre>
 *
 * <p>asyncio: the dictionary given to {@code loop.call_exception_handler}; more components may be added.
 *
 * @param message the description of the problem
 * @param exception the exception, if there is one
 * @param future the future concerned, unless it is a task
 * @param task the task concerned
 * @param handle the callback concerned
 * @param protocol the handler of the connection concerned
 * @param transport the connection concerned
 * @param socket its socket
 * @param sourceTraceback in debug mode: where the future, task or handle was made, innermost first
 * @param handleTraceback in debug mode: where the running callback was scheduled
 * @param context the report that was given to an exception handler, if that has failed
 */
public record ExceptionContext(
        String message,
        @Nullable Throwable exception,
        @Nullable Future<?> future,
        @Nullable Task<?> task,
        @Nullable Handle handle,
        @Nullable Object protocol,
        @Nullable Object transport,
        @Nullable Object socket,
        List<StackTraceElement> sourceTraceback,
        List<StackTraceElement> handleTraceback,
        @Nullable ExceptionContext context) {

    /** Copies the lists. */
    public ExceptionContext {
        Objects.requireNonNull(message, "message");
        sourceTraceback = List.copyOf(sourceTraceback);
        handleTraceback = List.copyOf(handleTraceback);
    }

    /** Returns a builder of a context with a message. */
    public static Builder of(String message) {
        return new Builder(message);
    }

    /** Returns text for the log: the message and a note, the objects concerned, and where they were made. */
    String text(String note) {
        StringBuilder text = new StringBuilder(message).append(note);
        append(text, "future", future);
        append(text, "handle", handle);
        append(text, "protocol", protocol);
        append(text, "socket", socket);
        append(text, "task", task);
        append(text, "transport", transport);
        append(text, "Object created at (most recent call first):", sourceTraceback);
        append(text, "Handle created at (most recent call first):", handleTraceback);
        return text.toString();
    }

    private static void append(StringBuilder text, String key, @Nullable Object value) {
        if (value != null) {
            text.append('\n').append(key).append(": ").append(value);
        }
    }

    private static void append(StringBuilder text, String heading, List<StackTraceElement> frames) {
        if (!frames.isEmpty()) {
            text.append('\n').append(heading);
            frames.forEach(frame -> text.append("\n    at ").append(frame));
        }
    }

    /** Builds a context; not thread-safe. */
    public static final class Builder {
        private final String message;
        private @Nullable Throwable exception;
        private @Nullable Future<?> future;
        private @Nullable Task<?> task;
        private @Nullable Handle handle;
        private @Nullable Object protocol;
        private @Nullable Object transport;
        private @Nullable Object socket;
        private List<StackTraceElement> sourceTraceback = List.of();
        private List<StackTraceElement> handleTraceback = List.of();
        private @Nullable ExceptionContext context;

        private Builder(String message) {
            this.message = Objects.requireNonNull(message, "message");
        }

        /** Sets the exception. */
        public Builder exception(@Nullable Throwable exception) {
            this.exception = exception;
            return this;
        }

        /** Sets the future or task concerned, and where it was made. */
        public Builder future(Future<?> future) {
            if (future instanceof Task<?> task) {
                this.task = task;
            } else {
                this.future = future;
            }
            this.sourceTraceback = Origin.framesOf(future.origin());
            return this;
        }

        /** Sets the callback concerned, and where it was scheduled. */
        public Builder handle(Handle handle) {
            this.handle = handle;
            this.sourceTraceback = Origin.framesOf(handle.origin());
            return this;
        }

        /** Sets the handler of the connection concerned. */
        public Builder protocol(Object protocol) {
            this.protocol = protocol;
            return this;
        }

        /** Sets the connection concerned. */
        public Builder transport(Object transport) {
            this.transport = transport;
            return this;
        }

        /** Sets the socket concerned. */
        public Builder socket(Object socket) {
            this.socket = socket;
            return this;
        }

        Builder origin(@Nullable Origin origin) {
            this.sourceTraceback = Origin.framesOf(origin);
            return this;
        }

        Builder runningHandle(@Nullable Origin origin) {
            this.handleTraceback = Origin.framesOf(origin);
            return this;
        }

        Builder context(ExceptionContext context) {
            this.context = context;
            return this;
        }

        /** Builds the context. */
        public ExceptionContext build() {
            return new ExceptionContext(
                    message,
                    exception,
                    future,
                    task,
                    handle,
                    protocol,
                    transport,
                    socket,
                    sourceTraceback,
                    handleTraceback,
                    context);
        }
    }
}
