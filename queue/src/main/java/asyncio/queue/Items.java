package asyncio.queue;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The items that a queue holds, in the order in which it gives them out. Each has a place in that order, which it keeps
 * when it is taken out and comes back. Guarded by the queue's monitor.
 */
abstract class Items<T> {
    /** The place of what {@link #poll} or {@link #pass} was about last. */
    long place;

    /** Throws what a comparator throws, and has changed nothing then. */
    abstract void add(T item);

    /** Takes out the next one, or returns null; throws as {@link #add}. */
    abstract @Nullable T poll();

    /** Gives a place to an item that is added and taken out at once, while there are no others. */
    abstract void pass();

    /** Puts an item back where it was; throws as {@link #add}. */
    abstract void restore(T item, long place);

    abstract int size();

    /** A copy, for looking at. */
    abstract List<T> snapshot();

    /** Takes out all; runs no comparator. */
    abstract void clear();
}
