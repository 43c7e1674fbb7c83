package asyncio.queue;

import asyncio.internal.loop.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** First in, first out. */
final class FifoItems<T> extends Items<T> {
    private final Ring<T> items = new Ring<>(16);
    /** The items that were given back, which precede all others. */
    private final TreeMap<Long, T> returned = new TreeMap<>();
    /** The place of the head of {@link #items}. */
    private long head;

    @Override
    void add(T item) {
        items.add(item);
    }

    @Override
    @Nullable T poll() {
        if (!returned.isEmpty()) {
            var first = returned.pollFirstEntry();
            place = first.getKey();
            return first.getValue();
        }
        T item = items.poll();
        if (item != null) {
            place = head++;
        }
        return item;
    }

    @Override
    void pass() {
        place = head++;
    }

    @Override
    void restore(T item, long place) {
        returned.put(place, item);
    }

    @Override
    int size() {
        return returned.size() + items.size();
    }

    @Override
    List<T> snapshot() {
        List<T> all = new ArrayList<>(returned.values());
        all.addAll(items);
        return all;
    }

    @Override
    void clear() {
        returned.clear();
        items.clear();
    }
}
