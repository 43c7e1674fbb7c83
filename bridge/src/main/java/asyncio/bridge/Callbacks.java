package asyncio.bridge;

import asyncio.Asyncio;
import asyncio.Future;
import java.nio.channels.CompletionHandler;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Conversions between one-time callbacks and Monos. For listeners that are called repeatedly see {@link Listeners}.
 *
 * <pre>{@code
 * Mono<Reply> reply = Callbacks.mono(callback -> {
 *     Call call = client.send(request, callback::success, callback::failure);
 *     callback.onCancel(call::abort);
 * });
 * }</pre>
 */
public final class Callbacks {
    private Callbacks() {}

    /**
     * Returns a cold Mono of work that reports through a callback: nothing happens until subscription, and each
     * subscription starts the work again. The callback may be called from any thread, also before the registration
     * returns (the subscriber resumes after that), and only its first call counts; see {@link Callback}. A registration
     * that throws fails the Mono, unless the callback was called first.
     *
     * <p>A subscriber on a loop resumes on that loop, any other on the thread that calls back, through a trampoline.
     * The registration sees the ThreadLocals in the subscriber's context, if {@code io.micrometer:context-propagation}
     * is on the class path.
     *
     * <p>Cancelling disposes of the handles passed to {@link Callback#onCancel} and {@link Callback#onDispose}; work
     * without a handle keeps running, and its outcome is dropped. A task that awaits this resumes immediately.
     */
    public static <T> Mono<T> mono(Registration<T> registration) {
        return new MonoCallback<>(Objects.requireNonNull(registration, "registration"));
    }

    /**
     * Returns a callback that completes a Future, for any callback API. The Future's own state decides which outcome
     * counts; outcomes after its end are dropped through Reactor's hooks. May be called from any thread. For the other
     * direction see {@link Future#addDoneCallback}.
     *
     * <pre>{@code
     * Future<Integer> read = new Future<>();
     * channel.read(buffer, 0, null, Callbacks.of(read).asCompletionHandler());
     * }</pre>
     *
     * @since 0.1
     */
    public static <T> Callback<T> of(Future<T> future) {
        return new FutureCallback<>(Objects.requireNonNull(future, "future"));
    }

    /**
     * Subscribes, and calls back once with the value, which is null for an empty Mono, or with the error. If this is
     * called on a loop, the callback runs on that loop, in a separate tick; otherwise on the thread where the Mono
     * ends. The Mono and the callback see {@link Asyncio#currentContext()}, and the ThreadLocals of the caller if
     * {@code io.micrometer:context-propagation} is on the class path. Exceptions of the callback go to
     * {@code Operators.onErrorDropped}.
     *
     * <p>Disposing of the handle prevents the call. With {@link Cancellation#PROPAGATE} it also cancels the
     * subscription, and a {@link Future} for all its subscribers; with {@link Cancellation#DETACH} the Mono keeps
     * running.
     *
     * @return the handle; it counts as disposed once the callback has been called
     */
    public static <T> Disposable whenComplete(
            Mono<? extends T> mono,
            BiConsumer<? super @Nullable T, ? super @Nullable Throwable> callback,
            Cancellation cancellation) {
        return CallbackSubscriber.start(mono, Objects.requireNonNull(callback, "callback"), cancellation);
    }

    /**
     * Like {@link #whenComplete(Mono, BiConsumer, Cancellation)}, for a handler of the asynchronous channels of NIO.
     */
    public static <T, A extends @Nullable Object> Disposable whenComplete(
            Mono<? extends T> mono,
            A attachment,
            CompletionHandler<? super @Nullable T, ? super A> handler,
            Cancellation cancellation) {
        Objects.requireNonNull(handler, "handler");
        return Callbacks.<T>whenComplete(
                mono,
                (value, error) -> {
                    if (error == null) {
                        handler.completed(value, attachment);
                    } else {
                        handler.failed(error, attachment);
                    }
                },
                cancellation);
    }
}
