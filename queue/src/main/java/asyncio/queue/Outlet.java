package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/**
 * The source of a {@link FluxQueue}: a queue, or the buffer of a broadcast's subscriber. Thread-safe; called without
 * its monitor.
 */
abstract class Outlet<T> {
    /** A guess: whether there is no item. A getter finds one that has come meanwhile. */
    abstract boolean looksEmpty();

    /** Takes as many items as {@code into} and {@code max} allow; returns their number. */
    abstract int poll(@Nullable Object[] into, long[] places, int max);

    /** Returns a waiter for one item, for which {@link #taken} is called when it is emitted. */
    abstract ItemSuspension<T> getter(CoreSubscriber<? super T> actual, @Nullable EventLoop loop);

    /** The item of a place is about to be emitted. */
    abstract void taken(long place);

    /** Gives back an item that will not be emitted. */
    abstract void giveBack(T item, long place, Context context);

    /** Returns a waiter for the end of the source, of which a subscriber is told without demand. */
    abstract Suspension<Void> end(CoreSubscriber<? super Void> actual, @Nullable EventLoop loop);

    /**
     * Returns the reason for which an empty source will have no more items, a {@link QueueShutDownException} at its
     * normal end; null if it is not empty, may have more, or {@link #end} tells of it.
     */
    abstract @Nullable RuntimeException refusal();

    abstract String describe();
}
