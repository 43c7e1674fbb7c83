package asyncio.bridge;

import asyncio.SuspendingSink;
import reactor.core.Disposable;
import reactor.util.context.ContextView;

/**
 * The receiver of a listener's events, on their way to a Flux. Every method may be called from any thread, by several
 * at the same time; none blocks.
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
