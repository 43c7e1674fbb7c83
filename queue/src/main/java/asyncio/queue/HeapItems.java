package asyncio.queue;

import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Least first; equal items first in, first out. A separate heap, since {@code java.util.PriorityQueue} does not keep
 * the order of equal items, and loses items when the comparator throws: here all comparisons precede the first change.
 * A node has four children: the heap is half as deep as a binary one, and the items it compares lie side by side. An
 * item's place is the number of items ever put before it.
 */
final class HeapItems<T> extends Items<T> {
    private static final int WIDTH = 4;

    private final Comparator<? super T> order;
    private @Nullable Object[] items = new @Nullable Object[8];
    private long[] places = new long[8];
    private int size;
    private long next;

    HeapItems(Comparator<? super T> order) {
        this.order = order;
    }

    @Override
    void add(T item) {
        restore(item, next);
        next++;
    }

    @Override
    void restore(T item, long place) {
        int at = size;
        while (at > 0 && before(item, place, parent(at))) {
            at = parent(at);
        }
        if (size == items.length) {
            @Nullable Object[] larger = Arrays.copyOf(items, size * 2);
            places = Arrays.copyOf(places, size * 2); // both or neither: the second allocation may fail
            items = larger;
        }
        int k = size++;
        for (int parent; k > at; k = parent) {
            parent = parent(k);
            items[k] = items[parent];
            places[k] = places[parent];
        }
        items[k] = item;
        places[k] = place;
    }

    @Override
    @Nullable T poll() {
        if (size == 0) {
            return null;
        }
        int n = size - 1;
        T last = at(n);
        long lastPlace = places[n];
        int hole = 0;
        for (int child; (child = WIDTH * hole + 1) < n; hole = child) {
            int end = Math.min(child + WIDTH, n);
            for (int k = child + 1; k < end; k++) {
                if (before(at(k), places[k], child)) {
                    child = k;
                }
            }
        }
        while (hole > 0 && before(last, lastPlace, hole)) { // rare: the last item belongs near the bottom
            hole = parent(hole);
        }
        T first = at(0);
        place = places[0];
        // the last item fills the hole, and each item above it moves up
        Object moved = last;
        long movedPlace = lastPlace;
        for (int k = hole; ; k = parent(k)) {
            Object above = items[k];
            long abovePlace = places[k];
            items[k] = moved;
            places[k] = movedPlace;
            moved = above;
            movedPlace = abovePlace;
            if (k == 0) {
                break;
            }
        }
        items[n] = null;
        size = n;
        return first;
    }

    private static int parent(int k) {
        return (k - 1) / WIDTH;
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // null only past the size
    private T at(int k) {
        return (T) items[k];
    }

    private boolean before(T item, long place, int other) {
        int compared = order.compare(item, at(other));
        return compared < 0 || compared == 0 && place < places[other];
    }

    @Override
    void pass() {
        place = next++;
    }

    @Override
    int size() {
        return size;
    }

    @Override
    @SuppressWarnings("unchecked")
    List<T> snapshot() {
        return (List<T>) Collections.unmodifiableList(Arrays.asList(Arrays.copyOf(items, size)));
    }

    @Override
    void clear() {
        Arrays.fill(items, 0, size, null);
        size = 0;
    }
}
