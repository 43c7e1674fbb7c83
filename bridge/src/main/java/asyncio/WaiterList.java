package asyncio;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The waiters of a Future that has more than one: a doubly linked list, so that leaving costs O(1). Once closed it
 * stays empty.
 */
final class WaiterList {
    private @Nullable Waiter first;
    private @Nullable Waiter last;
    private boolean closed;

    /** Takes over the only waiter so far, whose links nobody uses. */
    WaiterList(Waiter only) {
        first = only;
        last = only;
    }

    /** False if the Future was completed meanwhile. */
    synchronized boolean add(Waiter waiter) {
        if (closed) {
            return false;
        }
        Waiter last = this.last;
        waiter.previous = last;
        if (last == null) {
            first = waiter;
        } else {
            last.next = waiter;
        }
        this.last = waiter;
        return true;
    }

    synchronized boolean remove(Waiter waiter) {
        Waiter previous = waiter.previous;
        Waiter next = waiter.next;
        if (closed || previous == null && first != waiter) {
            return false;
        }
        if (previous == null) {
            first = next;
        } else {
            previous.next = next;
        }
        if (next == null) {
            last = previous;
        } else {
            next.previous = previous;
        }
        waiter.previous = null;
        waiter.next = null;
        return true;
    }

    /** The waiters in order, linked by {@code next}; after this nobody gets in or out. */
    synchronized @Nullable Waiter close() {
        closed = true;
        Waiter all = first;
        first = null;
        last = null;
        return all;
    }

    /** A copy, for looking at. */
    synchronized List<Waiter> snapshot() {
        List<Waiter> all = new ArrayList<>();
        for (Waiter waiter = first; waiter != null; waiter = waiter.next) {
            all.add(waiter);
        }
        return all;
    }
}
