package asyncio.bridge;

import asyncio.SuspendingSink;
import java.util.function.LongConsumer;
import reactor.core.Disposable;
import reactor.util.context.ContextView;

/**
 * The receiver of a listener's events, on their way to a Flux. Every method may be called from any thread, by several
 * at the same time; none but {@link #putBlocking} blocks.
 *
 * @param <T> the type of the items
 * @see Listeners#flux
 */
public interface ListenerSink<T> extends SuspendingSink<T> {
    /**
     * An event, for a source that cannot wait: kept, or treated as the {@link Overflow} says. After the end, or when
     * the subscriber has left, it goes to {@code Operators.onDiscard}.
     *
     * @return whether this item was kept
     */
    boolean next(T item);

    /**
     * As {@link #put}, for a thread that may block: a feed's own. It waits until there is room.
     *
     * <pre>{@code
     * Flux<Integer> keys = Listeners.flux(Overflow.fail(64), sink -> {
     *     Thread feed = new Thread(() -> {
     *         try {
     *             while (sink.putBlocking(System.in.read())) {}
     *         } catch (IOException | InterruptedException e) {
     *             sink.error(e);
     *         }
     *     });
     *     sink.onDispose(feed::interrupt);
     *     feed.start();
     * });
     * }</pre>
     *
     * @return false if the source has ended or the subscriber has left: the item is still the caller's
     * @throws IllegalStateException on a thread that must not block, such as a loop's
     * @throws InterruptedException if the thread is interrupted while it waits: the item is still the caller's, too.
     *     One that came in just then is not taken back, and the thread stays interrupted
     * @since 0.1
     */
    boolean putBlocking(T item) throws InterruptedException;

    /**
     * Has a source asked for items, for one that can be: {@code WebSocket.request(n)}, a page of a query. The consumer
     * is called with how many more the subscriber wants and the buffer has room for: a source that sends no more than
     * it was asked for never overflows. One call at a time, on the thread that requests or takes items, at once if
     * something was requested already; not after the end. What it throws ends the source.
     *
     * @param consumer replaces one that was set before
     * @return this
     * @since 0.1
     */
    ListenerSink<T> onRequest(LongConsumer consumer);

    /** There will be no more; the first end counts. What is kept is delivered before. */
    void complete();

    /** As {@link #complete}, with an error; one that comes after the end goes to {@code Operators.onErrorDropped}. */
    void error(Throwable error);

    /** Whether it makes no sense to send more: it has ended, or the subscriber has left. */
    boolean isEnded();

    /**
     * The handle that unregisters the listener: disposed of once, when the source has ended or the subscriber leaves,
     * on that thread; at once if that has happened. Several are disposed of from the last to the first, also if one
     * throws, which goes to {@code Operators.onErrorDropped}.
     *
     * @return this
     */
    ListenerSink<T> onDispose(Disposable... registrations);

    /** The context of the subscriber. */
    ContextView context();
}
