package asyncio.bridge;

import asyncio.Future;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Handling of late outcomes and of cancelled work, for all bridges. */
final class Outcomes {
    private Outcomes() {}

    /** Drops an error that has no receiver; the echo of a cancellation is ignored. */
    static void dropError(Throwable error, boolean afterCancellation, Context context) {
        if (!(afterCancellation && error instanceof CancellationException)) {
            Operators.onErrorDropped(error, context);
        }
    }

    /** Returns the error that a library reports, or a NullPointerException if it reports none. */
    static Throwable errorOf(@Nullable Throwable given) {
        return given != null ? given : new NullPointerException("A callback reported a failure without an error");
    }

    /** Returns whether an error or one of its causes is that of an interrupt. */
    static boolean isInterruption(Throwable error) {
        for (Throwable e = error; e != null; e = e.getCause()) {
            if (e instanceof InterruptedException
                    || e instanceof InterruptedIOException
                    || e instanceof ClosedByInterruptException) {
                return true;
            }
        }
        return false;
    }

    /** Cancels a Future or a Task for all subscribers; of any other Mono only the subscription can be cancelled. */
    static void cancel(@Nullable Mono<?> mono) {
        if (mono instanceof Future<?> future) {
            future.cancel();
        }
    }

    /** Cancels the work behind a stage; a minimal stage gives no access to it. */
    static void cancel(CompletionStage<?> stage) {
        try {
            (stage instanceof java.util.concurrent.Future<?> future ? future : stage.toCompletableFuture())
                    .cancel(true);
        } catch (UnsupportedOperationException e) {
            // a minimal stage: by contract it cannot be completed by its receiver
        }
    }

    static Throwable unwrap(Throwable error) {
        Throwable unwrapped = error;
        while ((unwrapped instanceof CompletionException || unwrapped instanceof ExecutionException)
                && unwrapped.getCause() != null) {
            unwrapped = unwrapped.getCause();
        }
        return unwrapped;
    }
}
