package asyncio.bridge;

import io.netty.util.concurrent.FutureListener;
import java.nio.channels.CompletionHandler;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.util.context.ContextView;

/**
 * The receiver of the outcome of work that reports through callbacks, convertible to the type that its API needs. Only
 * the first outcome counts, or a cancellation before it; a second value goes to {@code Operators.onNextDropped}, a
 * second error to {@code Operators.onErrorDropped}. An outcome after a cancellation goes to {@code onDiscard} or
 * {@code onErrorDropped}, except for a {@link java.util.concurrent.CancellationException}, which only echoes the
 * cancellation.
 *
 * <p>Every method may be called from any thread; none blocks, and none throws the receiver's exceptions.
 *
 * <pre>{@code
 * Mono<Long> mono = Callbacks.mono((Callback<Long> callback) -> {
 *     Thread worker = new Thread(() -> callback.success(42L));
 *     callback.onCancel(worker::interrupt);
 *     worker.start();
 * });
 * }</pre>
 *
 * @param <T> the type of the result
 * @see Callbacks#mono
 * @see Callbacks#of
 */
public interface Callback<T> {
    /** Reports success; null means no result, and the Mono completes empty. */
    void success(@Nullable T value);

    /** Reports a failure; null, from a library that gives no reason, becomes a {@link NullPointerException}. */
    void failure(Throwable error);

    /**
     * Adds handles that end the work early. They are disposed of once if the receiver leaves before the outcome, on the
     * cancelling thread; immediately if it has left already. Several are disposed of from the last to the first, even
     * if one of them throws; the exception goes to {@code Operators.onErrorDropped}.
     *
     * @return this
     */
    Callback<T> onCancel(Disposable... handles);

    /**
     * Adds resources to release in any case. They are disposed of once: when the outcome has arrived, before the
     * receiver resumes, or when the receiver leaves; immediately if either has happened already. Order and errors are
     * as in {@link #onCancel}.
     *
     * @return this
     */
    Callback<T> onDispose(Disposable... resources);

    /** Returns the context of the receiver. */
    ContextView context();

    /**
     * Returns this callback as an argument for a stage's {@code whenComplete}; {@code CompletionException} is
     * unwrapped.
     */
    default BiConsumer<@Nullable T, @Nullable Throwable> asBiConsumer() {
        return (value, error) -> {
            if (error == null) {
                success(value);
            } else {
                failure(Outcomes.unwrap(error));
            }
        };
    }

    /** Returns this callback as a handler for the asynchronous channels of NIO; the attachment is ignored. */
    default <A> CompletionHandler<T, A> asCompletionHandler() {
        return new CompletionHandler<>() {
            @Override
            public void completed(@Nullable T value, @Nullable A attachment) {
                success(value);
            }

            @Override
            public void failed(Throwable error, @Nullable A attachment) {
                failure(error);
            }
        };
    }

    /** Returns this callback as a listener for Netty's {@code addListener}. */
    default FutureListener<T> asFutureListener() {
        return future -> {
            if (future.isSuccess()) {
                success(future.getNow());
            } else {
                failure(future.cause());
            }
        };
    }
}
