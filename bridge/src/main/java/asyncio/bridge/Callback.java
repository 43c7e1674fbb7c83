package asyncio.bridge;

import io.netty.util.concurrent.FutureListener;
import java.nio.channels.CompletionHandler;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.util.context.ContextView;

/**
 * The receiver of the outcome of work that reports through callbacks, in the shape that its API asks for. The first
 * outcome counts: it, or a cancellation before it, wins; a second value goes to {@code Operators.onNextDropped}, a
 * second error to {@code Operators.onErrorDropped}. What comes after a cancellation goes to {@code onDiscard} or
 * {@code onErrorDropped}, but for a {@link java.util.concurrent.CancellationException}, which is only its echo.
 *
 * <p>Every method may be called from any thread; none blocks, and none throws what the receiver throws.
 *
 * @param <T> the type of the result
 * @see Callbacks#mono
 * @see Callbacks#of
 */
public interface Callback<T> {
    /** The work has succeeded; with null it has no result, and a Mono completes empty. */
    void success(@Nullable T value);

    /** The work has failed; a library that does not say why, by null, is taken for {@link NullPointerException}. */
    void failure(Throwable error);

    /**
     * The handle that ends the work early: disposed of once if the receiver leaves before the outcome, on the thread
     * that cancels; at once if it has left already. Several are disposed of from the last to the first, also if one of
     * them throws, which goes to {@code Operators.onErrorDropped}.
     *
     * @return this
     */
    Callback<T> onCancel(Disposable... handles);

    /**
     * A resource to be released in any case: disposed of once, when the outcome has come, before the receiver goes on,
     * or when the receiver leaves; at once if either has happened already. Order and errors are as in
     * {@link #onCancel}.
     *
     * @return this
     */
    Callback<T> onDispose(Disposable... resources);

    /** The context of the receiver. */
    ContextView context();

    /** As the {@code whenComplete} of a stage wants it; {@code CompletionException} is unwrapped. */
    default BiConsumer<@Nullable T, @Nullable Throwable> asBiConsumer() {
        return (value, error) -> {
            if (error == null) {
                success(value);
            } else {
                failure(Outcomes.unwrap(error));
            }
        };
    }

    /** As the asynchronous channels of NIO want it; the attachment is of no use here. */
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

    /** As Netty's {@code addListener} wants it. */
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
