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
 * Between callbacks that come once and Monos. For listeners that are called often see {@link Listeners}.
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
     * Work that reports through a callback, as a cold Mono: nothing happens until subscription, and each starts the
     * work anew. The callback may come from any thread, also before the registration returns (the subscriber goes on
     * when it has), and only its first call counts; see {@link Callback}. A registration that throws fails the Mono,
     * unless the callback was first.
     *
     * <p>A subscriber that was on a loop goes on on that loop, any other on the thread that calls back, through a
     * trampoline. The registration sees the ThreadLocals that the subscriber's context holds, if
     * {@code io.micrometer:context-propagation} is there.
     *
     * <p>Cancelling disposes of what was given to {@link Callback#onCancel} and {@link Callback#onDispose}; work that
     * gave nothing goes on unheard. A task that awaits this resumes at once.
     */
    public static <T> Mono<T> mono(Registration<T> registration) {
        return new MonoCallback<>(Objects.requireNonNull(registration, "registration"));
    }

    /**
     * A Future as the target of a callback API, in whatever shape that wants. The Future's own state decides which
     * outcome counts; what comes after its end is dropped, and Reactor's hooks are told so. From any thread. The other
     * way round it is {@link Future#addDoneCallback}.
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
     * Subscribes, and calls back once with the value, which is null for an empty Mono, or with the error. Called on a
     * loop it calls back on that loop, in a tick of its own; elsewhere on the thread where the Mono ends. What is
     * awaited sees {@link Asyncio#currentContext()}, and the ThreadLocals of the caller if
     * {@code io.micrometer:context-propagation} is there; so does the callback. What the callback throws goes to
     * {@code Operators.onErrorDropped}.
     *
     * <p>Disposing of the handle keeps the callback from being called. With {@link Cancellation#PROPAGATE} it also
     * cancels the subscription, and a {@link Future} for all; with {@link Cancellation#DETACH} the Mono goes on.
     *
     * @return the handle; it is disposed when the callback has been called
     */
    public static <T> Disposable whenComplete(
            Mono<? extends T> mono,
            BiConsumer<? super @Nullable T, ? super @Nullable Throwable> callback,
            Cancellation cancellation) {
        return CallbackSubscriber.start(mono, Objects.requireNonNull(callback, "callback"), cancellation);
    }

    /**
     * As {@link #whenComplete(Mono, BiConsumer, Cancellation)}, for a handler as the asynchronous channels of NIO have
     * them.
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
