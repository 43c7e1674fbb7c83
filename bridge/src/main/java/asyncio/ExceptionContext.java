package asyncio;

import org.jspecify.annotations.Nullable;

/**
 * What a loop's exception handler is told about an exception that nobody else will see.
 *
 * @param message what happened
 * @param exception the exception, if there is one
 * @param future the future or task concerned, if any
 * @param handle the callback concerned, if any
 */
public record ExceptionContext(
        String message,
        @Nullable Throwable exception,
        @Nullable Future<?> future,
        @Nullable Handle handle) {}
