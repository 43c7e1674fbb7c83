package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The waiters that are suspended on one source, in the order of their arrival: a list linked through the
 * {@link Suspension}s themselves, so that a cancelled one leaves it in O(1) and nothing is allocated. For authors of
 * sources.
 *
 * <p>Not thread-safe: the source guards it with its own monitor. A suspension is in at most one queue at a time.
 *
 * @param <S> the kind of suspension
 */
public final class WaitQueue<S extends Suspension<?>> {
    private @Nullable Waiter first;
    private @Nullable Waiter last;
    private int size;

    /** Makes an empty queue. */
    public WaitQueue() {}

    /** Appends a suspension. */
    public void add(S suspension) {
        Waiter last = this.last;
        Waiter added = suspension;
        suspension.queue = this;
        added.previous = last;
        added.next = null;
        if (last == null) {
            first = added;
        } else {
            last.next = added;
        }
        this.last = added;
        size++;
    }

    /** Removes a suspension; returns false if it was not in this queue. */
    public boolean remove(S suspension) {
        if (suspension.queue != this) {
            return false;
        }
        suspension.queue = null;
        Waiter removed = suspension;
        Waiter previous = removed.previous;
        Waiter next = removed.next;
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
        removed.previous = null;
        removed.next = null;
        size--;
        return true;
    }

    /** Returns the suspension that has waited longest, or null. */
    @SuppressWarnings("unchecked")
    public @Nullable S peek() {
        return (S) first;
    }

    /** Removes and returns the suspension that has waited longest; null if there is none. */
    public @Nullable S poll() {
        S head = peek();
        if (head != null) {
            remove(head);
        }
        return head;
    }

    /**
     * Removes and delivers all suspensions of a queue of settled ones; outside the source's monitor. If one of them
     * throws an Error, the others are still delivered, and the Error is thrown at the end.
     */
    public void deliverAll() {
        Error first = null;
        for (S head; (head = poll()) != null; ) {
            try {
                head.deliver();
            } catch (Error e) {
                first = first == null ? e : Suppressed.add(first, e);
            }
        }
        if (first != null) {
            throw first;
        }
    }

    /** Returns whether the test is true of one of the suspensions. */
    @SuppressWarnings("unchecked")
    public boolean anyMatch(Predicate<? super S> test) {
        for (Waiter waiter = first; waiter != null; waiter = waiter.next) {
            if (test.test((S) waiter)) {
                return true;
            }
        }
        return false;
    }

    /** Returns the number of waiters. */
    public int size() {
        return size;
    }

    /** Returns whether there are no waiters. */
    public boolean isEmpty() {
        return first == null;
    }

    /** Returns a copy, for inspection. */
    @SuppressWarnings("unchecked")
    public List<S> snapshot() {
        List<S> all = new ArrayList<>(size);
        for (Waiter waiter = first; waiter != null; waiter = waiter.next) {
            all.add((S) waiter);
        }
        return all;
    }
}
