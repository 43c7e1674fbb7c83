package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The waiters that are suspended on one source, in the order they came: a list through the {@link Suspension}s
 * themselves, so that one that is cancelled leaves it in O(1) and nothing is allocated. For authors of sources.
 *
 * <p>Not thread-safe: the source guards it with its own monitor. A suspension is in at most one queue at a time.
 *
 * @param <S> the kind of suspension
 */
public final class WaitQueue<S extends Suspension<?>> {
    private @Nullable Waiter first;
    private @Nullable Waiter last;
    private int size;

    /** An empty one. */
    public WaitQueue() {}

    /** Puts one at the end. */
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

    /** Takes one out; false if it was not in this one. */
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

    /** The one who has waited longest, or null. */
    @SuppressWarnings("unchecked")
    public @Nullable S peek() {
        return (S) first;
    }

    /** Takes out the one who has waited longest, or returns null. */
    public @Nullable S poll() {
        S head = peek();
        if (head != null) {
            remove(head);
        }
        return head;
    }

    /**
     * Takes all out and tells them, for a queue of those that were settled; outside the source's monitor. An Error of
     * one of them keeps it from no other, and comes out in the end.
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

    /** Whether the test is true of one of them. */
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

    /** Whether nobody waits. */
    public boolean isEmpty() {
        return first == null;
    }

    /** A copy, for looking at. */
    @SuppressWarnings("unchecked")
    public List<S> snapshot() {
        List<S> all = new ArrayList<>(size);
        for (Waiter waiter = first; waiter != null; waiter = waiter.next) {
            all.add((S) waiter);
        }
        return all;
    }
}
