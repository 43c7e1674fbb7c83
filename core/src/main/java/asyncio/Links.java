package asyncio;

import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An intrusive linked list: each element is in at most one list, removing one is cheap, and nothing is allocated.
 * Thread-safe.
 */
abstract class Links<T> {
    private @Nullable T first;
    private @Nullable T last;
    private int size;

    abstract @Nullable T previous(T element);

    abstract @Nullable T next(T element);

    abstract void setPrevious(T element, @Nullable T previous);

    abstract void setNext(T element, @Nullable T next);

    final synchronized void add(T element) {
        T last = this.last;
        setPrevious(element, last);
        if (last == null) {
            first = element;
        } else {
            setNext(last, element);
        }
        this.last = element;
        size++;
    }

    /** Removes an element; returns false if it was not in the list. */
    final synchronized boolean remove(T element) {
        T previous = previous(element);
        T next = next(element);
        if (previous == null && first != element) {
            return false;
        }
        if (previous == null) {
            first = next;
        } else {
            setNext(previous, next);
        }
        if (next == null) {
            last = previous;
        } else {
            setPrevious(next, previous);
        }
        setPrevious(element, null);
        setNext(element, null);
        size--;
        return true;
    }

    final synchronized int size() {
        return size;
    }

    /** Returns a copy, in order. */
    final synchronized Set<T> snapshot() {
        Set<T> all = new LinkedHashSet<>();
        for (T element = first; element != null; element = next(element)) {
            all.add(element);
        }
        return all;
    }
}
