package asyncio.queue;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The items of a queue, in the order in which they leave it. Each has a place in that order, and keeps it when it is
 * taken out and given back. Guarded by the queue's monitor.
 */
abstract class Items<T> {
    /** The place of the item of the last {@link #poll} or {@link #pass}. */
    long place;

    /** Adds an item. If a comparator throws, its exception propagates and nothing has changed. */
    abstract void add(T item);

    /** Takes out the next item, or returns null; throws like {@link #add}. */
    abstract @Nullable T poll();

    /** Gives a place to an item that is added and immediately taken out while there are no others. */
    abstract void pass();

    /** Puts an item back in its place; throws like {@link #add}. */
    abstract void restore(T item, long place);

    abstract int size();

    /** A copy, for display. */
    abstract List<T> snapshot();

    /** Removes all items; runs no comparator. */
    abstract void clear();
}
