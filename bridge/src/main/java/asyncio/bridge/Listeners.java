package asyncio.bridge;

import asyncio.EventLoop;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;

/**
 * Between listeners that are called often and Fluxes. For callbacks that come once see {@link Callbacks}.
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
    /** Items on their way to a loop, so that not each of them takes a tick. */
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
         * Registers; called once for each subscription, with the first request, on the subscriber's thread. The sink
         * may be used before this returns.
         *
         * @throws Exception if it cannot: the subscriber's error
         */
        void register(ListenerSink<T> sink) throws Exception;
    }

    /**
     * A listener's events as a cold Flux: nothing happens until subscription, and each registers anew, with its first
     * request. Items wait for demand in a buffer whose bound, and what is done with more, the caller says.
     *
     * <p>A subscriber that was on a loop gets its items on that loop; any other on the thread that sends them or
     * requests more. The registration sees the ThreadLocals that the subscriber's context holds, if
     * {@code io.micrometer:context-propagation} is there.
     *
     * <p>Cancelling disposes of what was given to {@link ListenerSink#onDispose}; what is in the buffer goes to
     * {@code Operators.onDiscard}, and those that wait in {@link ListenerSink#put} fail with a
     * {@link java.util.concurrent.CancellationException}.
     */
    public static <T> Flux<T> flux(Overflow overflow, Registration<T> registration) {
        return new FluxListener<>(
                Objects.requireNonNull(overflow, "overflow"), Objects.requireNonNull(registration, "registration"));
    }

    /**
     * Subscribes, and pushes the items into a listener, one at a time, until they end or the handle is disposed of.
     * Called on a loop it calls the listener on that loop, with up to 64 items on the way to it; elsewhere where the
     * items come, and after {@link Push#resume} on the thread that resumes. What the source does sees
     * {@link asyncio.Asyncio#currentContext()} and the ThreadLocals of the caller, if
     * {@code io.micrometer:context-propagation} is there; so does the listener.
     *
     * <p>Disposing of the handle cancels the subscription. A listener that throws cancels it too, and is told the end,
     * with its own error.
     *
     * @param end told once, unless the handle is disposed of before: null, or the error
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
