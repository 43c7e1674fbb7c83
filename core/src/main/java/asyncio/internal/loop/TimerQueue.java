package asyncio.internal.loop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A binary heap of timers, earliest deadline first, equal deadlines in the order they were added; an entry knows its
 * index, so that removing it is O(log n) and a cancelled long timeout does not stay in the heap. Used only by the
 * thread that runs the loop.
 */
public final class TimerQueue {
    /** One timer. */
    public static class Entry {
        private static final int ABSENT = -1;

        public long deadlineNanos;
        private final @Nullable Runnable action;
        private long sequence;
        private int index = ABSENT;
        /** Whether it was removed, possibly before another thread's request to add it was carried out. */
        private boolean removed;

        public Entry(@Nullable Runnable action, long deadlineNanos) {
            this.action = action;
            this.deadlineNanos = deadlineNanos;
        }

        /** Returns the action that goes to the ready queue when the timer is due. */
        protected Runnable action() {
            return Objects.requireNonNull(action);
        }

        /** Returns the sequence number; entries that were added later have higher ones. */
        long sequence() {
            return sequence;
        }

        private boolean before(Entry other) {
            return deadlineNanos < other.deadlineNanos
                    || deadlineNanos == other.deadlineNanos && sequence < other.sequence;
        }
    }

    public static final long NONE = Long.MAX_VALUE;

    private @Nullable Entry[] heap = new @Nullable Entry[16];
    private int size;
    private long nextSequence;

    int size() {
        return size;
    }

    /** Returns the earliest deadline, or {@link #NONE}. */
    long nextDeadline() {
        return size == 0 ? NONE : at(0).deadlineNanos;
    }

    /** Returns the {@link Entry#sequence()} of the next entry to be added. */
    long nextSequence() {
        return nextSequence;
    }

    /** Returns the entries that are due by a time, in no particular order, and no more than a limit. */
    List<Entry> dueBy(long deadline, int limit) {
        List<Entry> due = new ArrayList<>();
        addDueBy(deadline, limit, 0, due);
        return due;
    }

    private void addDueBy(long deadline, int limit, int i, List<Entry> due) {
        if (i < size && due.size() < limit && at(i).deadlineNanos <= deadline) {
            due.add(at(i));
            addDueBy(deadline, limit, 2 * i + 1, due);
            addDueBy(deadline, limit, 2 * i + 2, due);
        }
    }

    /** Changes the deadline of an entry in the queue; it keeps its order among entries with equal deadlines. */
    void postpone(Entry entry, long deadline) {
        take(entry);
        entry.deadlineNanos = deadline;
        siftUp(entry, size++);
    }

    /**
     * Makes room for one more entry.
     *
     * @throws OutOfMemoryError if there is no memory; nothing has changed then
     */
    void reserve() {
        if (size == heap.length) {
            Memory.need();
            heap = Arrays.copyOf(heap, size * 2);
        }
    }

    /** Adds an entry, unless it has already been removed. */
    void add(Entry entry) {
        if (entry.removed) {
            return;
        }
        reserve();
        entry.sequence = nextSequence++;
        siftUp(entry, size++);
    }

    /** Returns the earliest entry; call only if there is one. */
    Entry peek() {
        return at(0);
    }

    /** Removes and returns the earliest entry; call only if there is one. */
    Entry poll() {
        Entry first = at(0);
        take(first);
        return first;
    }

    /** Removes an entry; one that is not in the queue cannot be added any more. */
    void remove(Entry entry) {
        entry.removed = true;
        take(entry);
    }

    private void take(Entry entry) {
        int i = entry.index;
        if (i == Entry.ABSENT) {
            return;
        }
        entry.index = Entry.ABSENT;
        Entry last = at(--size);
        heap[size] = null;
        if (last != entry) {
            siftDown(last, i);
            if (last.index == i) {
                siftUp(last, i);
            }
        }
    }

    private Entry at(int i) {
        return Objects.requireNonNull(heap[i]);
    }

    private void put(Entry entry, int i) {
        heap[i] = entry;
        entry.index = i;
    }

    private void siftUp(Entry entry, int i) {
        while (i > 0) {
            int parent = (i - 1) >>> 1;
            if (!entry.before(at(parent))) {
                break;
            }
            put(at(parent), i);
            i = parent;
        }
        put(entry, i);
    }

    private void siftDown(Entry entry, int i) {
        for (int child; (child = 2 * i + 1) < size; i = child) {
            if (child + 1 < size && at(child + 1).before(at(child))) {
                child++;
            }
            if (!at(child).before(entry)) {
                break;
            }
            put(at(child), i);
        }
        put(entry, i);
    }
}
