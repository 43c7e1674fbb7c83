package asyncio.queue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Last in, first out; an item's place is the number of items ever put before it. */
final class LifoItems<T> extends Items<T> {
    private @Nullable Object[] items = new @Nullable Object[8];
    private long[] places = new long[8];
    private int size;
    private long next;

    @Override
    void add(T item) {
        restore(item, next++);
    }

    @Override
    @SuppressWarnings("unchecked")
    @Nullable T poll() {
        if (size == 0) {
            return null;
        }
        T item = (T) items[--size];
        items[size] = null;
        place = places[size];
        return item;
    }

    @Override
    void pass() {
        place = next++;
    }

    @Override
    void restore(T item, long place) {
        if (size == items.length) {
            @Nullable Object[] larger = Arrays.copyOf(items, size * 2);
            places = Arrays.copyOf(places, size * 2); // both or neither: the second allocation may fail
            items = larger;
        }
        int k = size++;
        for (; k > 0 && places[k - 1] > place; k--) {
            items[k] = items[k - 1];
            places[k] = places[k - 1];
        }
        items[k] = item;
        places[k] = place;
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
