package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The waiters of a Future that has more than one: a doubly linked list, so that removal is O(1). Once closed it stays
 * empty.
 */
final class WaiterList {
    private static final Object CLOSED = new Object();
    /** With fewer callbacks, a linear search is used. */
    private static final int WORTH_AN_INDEX = 32;

    private @Nullable Waiter first;
    private @Nullable Waiter last;
    /** Null, a {@link CallbackIndex} once callbacks have been removed from many, or {@link #CLOSED}. */
    private @Nullable Object index;

    /** Takes over the only waiter so far, which is not linked. */
    WaiterList(Waiter only) {
        first = only;
        last = only;
    }

    /** Returns false if the Future was completed meanwhile. */
    synchronized boolean add(Waiter waiter) {
        if (index == CLOSED) {
            return false;
        }
        if (index instanceof CallbackIndex callbacks) {
            callbacks.add(waiter);
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
        if (index == CLOSED || previous == null && first != waiter) {
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

    /**
     * Closes the list and returns the waiters in order, linked by {@code next}; no waiter can be added or removed after
     * this.
     */
    synchronized @Nullable Waiter close() {
        index = CLOSED;
        Waiter all = first;
        first = null;
        last = null;
        return all;
    }

    /**
     * Removes all registrations of a callback, and returns their number. Its {@code equals} and {@code hashCode} are
     * user code, which may itself add and remove, so they are called outside the monitor.
     */
    int removeCallback(Object callback) {
        CallbackIndex callbacks = indexIfMany();
        if (callbacks == null) {
            int removed = 0;
            for (Waiter waiter : snapshot()) {
                if (calls(waiter, callback) && remove(waiter)) {
                    removed++;
                }
            }
            return removed;
        }
        int hash = callback.hashCode();
        List<Waiter> removed = new ArrayList<>();
        for (Waiter one : candidates(callbacks, hash)) {
            if (calls(one, callback) && remove(one)) {
                removed.add(one);
            }
        }
        synchronized (this) {
            removed.forEach(one -> callbacks.remove(hash, one));
        }
        return removed.size();
    }

    private static boolean calls(Waiter waiter, Object callback) {
        Object own = waiter.callback();
        return own != null && own.equals(callback);
    }

    private synchronized @Nullable CallbackIndex indexIfMany() {
        if (index == null) {
            List<Waiter> all = snapshot();
            if (all.size() >= WORTH_AN_INDEX) {
                CallbackIndex callbacks = new CallbackIndex();
                all.forEach(callbacks::add);
                index = callbacks;
            }
        }
        return index instanceof CallbackIndex callbacks ? callbacks : null;
    }

    private List<Waiter> candidates(CallbackIndex callbacks, int hash) {
        for (; ; ) {
            List<Waiter> fresh;
            synchronized (this) {
                fresh = callbacks.takeFresh();
                if (fresh.isEmpty()) {
                    return callbacks.with(hash);
                }
            }
            int[] hashes = fresh.stream()
                    .mapToInt(waiter -> Objects.hashCode(waiter.callback()))
                    .toArray();
            synchronized (this) {
                for (int i = 0; i < hashes.length; i++) {
                    callbacks.put(hashes[i], fresh.get(i));
                }
            }
        }
    }

    /** Returns a copy, for inspection. */
    synchronized List<Waiter> snapshot() {
        List<Waiter> all = new ArrayList<>();
        for (Waiter waiter = first; waiter != null; waiter = waiter.next) {
            all.add(waiter);
        }
        return all;
    }
}
