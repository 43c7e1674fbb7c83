package asyncio.bridge;

import asyncio.SuspendingSink;
import java.util.function.LongConsumer;
import reactor.core.Disposable;
import reactor.util.context.ContextView;

/**
 * The receiver of a listener's events, which it passes to a Flux. Every method may be called from any thread, also
 * concurrently; only {@link #putBlocking} blocks.
 *
 * @param <T> the type of the items
 * @see Listeners#flux
 */
public interface ListenerSink<T> extends SuspendingSink<T> {
    /**
     * Passes an event of a source that cannot wait. It is kept, or handled according to the {@link Overflow}. After the
     * end, or when the subscriber has left, it goes to {@code Operators.onDiscard}.
     *
     * @return whether this item was kept
     */
    boolean next(T item);

    /**
     * Like {@link #put}, for a thread that may block, such as a feed's own. It waits until there is room.
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
     * @return false if the source has ended or the subscriber has left: the item still belongs to the caller
     * @throws IllegalStateException on a thread that must not block, such as a loop's
     * @throws InterruptedException if the thread is interrupted while it waits: the item then still belongs to the
     *     caller too. An item that has just entered is not taken back; the thread then stays interrupted
     * @since 0.1
     */
    boolean putBlocking(T item) throws InterruptedException;

    /**
     * Sets a consumer that requests items from a source that accepts requests: {@code WebSocket.request(n)}, a page of
     * a query. It is called with the number of further items that the subscriber requests and the buffer has room for:
     * a source that sends no more than that never overflows. It is called once at a time, on the thread that requests
     * or takes items; immediately if there is demand already; not after the end. An exception it throws ends the
     * source.
     *
     * @param consumer replaces one that was set before
     * @return this
     * @since 0.1
     */
    ListenerSink<T> onRequest(LongConsumer consumer);

    /** Ends the source; only the first end counts. Buffered items are delivered first. */
    void complete();

    /** Like {@link #complete}, with an error; an error after the end goes to {@code Operators.onErrorDropped}. */
    void error(Throwable error);

    /** Returns whether more items would be dropped: the source has ended, or the subscriber has left. */
    boolean isEnded();

    /**
     * Adds handles that unregister the listener. They are disposed of once, when the source ends or the subscriber
     * leaves, on that thread; immediately if that has happened. Several are disposed of from the last to the first,
     * even if one throws; the exception goes to {@code Operators.onErrorDropped}.
     *
     * @return this
     */
    ListenerSink<T> onDispose(Disposable... registrations);

    /** Returns the context of the subscriber. */
    ContextView context();
}
