package asyncio.bridge;

import asyncio.EventLoop;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * Conversions between listeners that are called repeatedly and Fluxes. For one-time callbacks see {@link Callbacks}.
 *
 * <pre>{@code
 * Flux<Quote> quotes = Listeners.flux(Overflow.dropOldest(256), sink -> {
 *     BiConsumer<String, Long> ticker = (symbol, cents) -> sink.next(new Quote(symbol, cents));
 *     exchange.addTicker(ticker);
 *     sink.onDispose(() -> exchange.removeTicker(ticker));
 * });
 * }</pre>
 */
public final class Listeners {
    /** The number of items on their way to a loop, so that not every item takes a tick. */
    private static final int ON_THE_WAY = 64;

    private Listeners() {}

    /**
     * Registers a listener.
     *
     * @param <T> the type of the items
     */
    @FunctionalInterface
    public interface Registration<T> {
        /**
         * Registers the listener; called once for each subscription, with the first request, on the subscriber's
         * thread. The sink may be used before this returns.
         *
         * @throws Exception if the registration fails; the subscriber receives it
         */
        void register(ListenerSink<T> sink) throws Exception;
    }

    /**
     * Returns a cold Flux of a listener's events: nothing happens until subscription, and each subscription registers
     * again, with its first request. Items wait for demand in a buffer; {@code overflow} sets its capacity and the
     * treatment of further items.
     *
     * <p>A subscriber on a loop receives its items on that loop; any other on the thread that sends them or requests
     * more. The registration sees the ThreadLocals in the subscriber's context, if
     * {@code io.micrometer:context-propagation} is on the class path.
     *
     * <p>Cancelling disposes of the handles passed to {@link ListenerSink#onDispose}; the buffered items go to
     * {@code Operators.onDiscard}, and waiters in {@link ListenerSink#put} fail with a
     * {@link java.util.concurrent.CancellationException}.
     */
    public static <T> Flux<T> flux(Overflow overflow, Registration<T> registration) {
        return new FluxListener<>(
                Objects.requireNonNull(overflow, "overflow"), Objects.requireNonNull(registration, "registration"));
    }

    /**
     * Subscribes, and pushes the items into a listener, one at a time, until they end or the handle is disposed of. If
     * this is called on a loop, the listener runs on that loop, with up to 64 items on their way to it; otherwise on
     * the thread that emits the items, and after {@link Push#resume} on the thread that resumes. The source and the
     * listener see {@link asyncio.Asyncio#currentContext()}, and the ThreadLocals of the caller if
     * {@code io.micrometer:context-propagation} is on the class path.
     *
     * <p>Disposing of the handle cancels the subscription. A listener that throws cancels it too, and {@code end}
     * receives its exception.
     *
     * @param end called once with null or the error, unless the handle is disposed of before
     */
    public static <T> Push push(
            Publisher<? extends T> source, Consumer<? super T> listener, Consumer<? super @Nullable Throwable> end) {
        EventLoop loop = EventLoop.runningOrNull();
        PushSubscriber<T> forwarding = new PushSubscriber<>(listener, end, loop);
        Flux<T> flux = Flux.from(Objects.requireNonNull(source, "source"));
        (loop == null ? flux : flux.publishOn(loop.scheduler(), ON_THE_WAY)).subscribe(forwarding);
        return forwarding;
    }
}
