package asyncio;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The report to a loop's exception handler about an exception that is not seen otherwise.
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
 * @param message what happened
 * @param exception the exception, if there is one
 * @param future the future concerned, if any that is not a task
 * @param task the task concerned
 * @param handle the callback concerned
 * @param protocol who handled the connection concerned
 * @param transport the connection concerned
 * @param socket its socket
 * @param sourceTraceback in debug mode: where the future, task or handle was made, innermost first
 * @param handleTraceback in debug mode: where the callback was scheduled that was running
 * @param context when an exception handler has failed: what it had been told
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

    /** Begins a context with what happened. */
    public static Builder of(String message) {
        return new Builder(message);
    }

    /** For the log: the message and a note, what is concerned, and where that was made. */
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

    /** Puts a context together; not thread-safe. */
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

        /** The exception. */
        public Builder exception(@Nullable Throwable exception) {
            this.exception = exception;
            return this;
        }

        /** The future or task concerned, and where it was made. */
        public Builder future(Future<?> future) {
            if (future instanceof Task<?> task) {
                this.task = task;
            } else {
                this.future = future;
            }
            this.sourceTraceback = Origin.framesOf(future.origin());
            return this;
        }

        /** The callback concerned, and where it was scheduled. */
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

        /** The connection concerned. */
        public Builder transport(Object transport) {
            this.transport = transport;
            return this;
        }

        /** The socket concerned. */
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

        /** The context. */
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
