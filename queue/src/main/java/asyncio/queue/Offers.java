package asyncio.queue;

import asyncio.WaitQueue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The items of a rendezvous, which their putters hold: first in, first out. An item without a putter is one that was
 * put at once, and that its getter has given back.
 *
 * <pre>{@literal
 *             poll, pass             taken
 *   OFFERED -------------> GRANTED ----------> the putter completes
 *           <-------------
 *              restore
 * }</pre>
 *
 * <p>OFFERED: the putter is in line, or its item in {@link #returned}. GRANTED: it is {@link #firstGranted} or in
 * {@link #granted}, and a getter holds the item. Guarded by the queue's monitor.
 */
final class Offers<T> extends Items<T> {
    private record Returned<T>(T item, @Nullable Putter<T> putter) {}

    private final WaitQueue<Putter<T>> line;
    /** The offers that have come back, before all others. */
    private final TreeMap<Long, Returned<T>> returned = new TreeMap<>();
    /** The only one, or the first of several, so that a hand-over by one pair needs no map. */
    private @Nullable Putter<T> firstGranted;
    /** The others, by their places. */
    private final Map<Long, Putter<T>> granted = new HashMap<>();

    private long next;
    /** The number of items without a putter. */
    private int ownerless;

    /** @param line of the putters that wait for a getter */
    Offers(WaitQueue<Putter<T>> line) {
        this.line = line;
    }

    @Override
    void add(T item) {
        throw new UnsupportedOperationException("a rendezvous keeps no items");
    }

    @Override
    @Nullable T poll() {
        var first = returned.pollFirstEntry();
        if (first != null) {
            place = first.getKey();
            Putter<T> putter = first.getValue().putter();
            if (putter == null) {
                ownerless--;
            } else {
                grant(putter);
            }
            return first.getValue().item();
        }
        Putter<T> putter = line.poll();
        if (putter == null) {
            return null;
        }
        place = putter.place;
        grant(putter);
        return putter.item;
    }

    @Override
    void pass() {
        place = next++;
    }

    /** A getter holds its item from now on. */
    void grant(Putter<T> putter) {
        if (firstGranted == null) {
            firstGranted = putter;
        } else {
            granted.put(putter.place, putter);
        }
    }

    /** Returns the putter whose item a getter holds, if it has one. */
    @Nullable Putter<T> granted(long place) {
        Putter<T> first = firstGranted;
        return first != null && first.place == place ? first : granted.isEmpty() ? null : granted.get(place);
    }

    /** The same, which is over. */
    @Nullable Putter<T> settle(long place) {
        Putter<T> first = firstGranted;
        if (first != null && first.place == place) {
            firstGranted = null;
            return first;
        }
        return granted.isEmpty() ? null : granted.remove(place);
    }

    @Override
    void restore(T item, long place) {
        Putter<T> putter = settle(place);
        if (putter == null) {
            ownerless++;
        }
        returned.put(place, new Returned<>(item, putter));
    }

    /** Takes an offer out; false if a getter has the item. */
    boolean remove(Putter<T> putter) {
        if (line.remove(putter)) {
            return true;
        }
        Returned<T> back = returned.get(putter.place);
        return back != null && back.putter() == putter && returned.remove(putter.place) != null;
    }

    /** Returns the putters that are not in line: in the order of their items. */
    List<Putter<T>> putters() {
        TreeMap<Long, Putter<T>> ordered = new TreeMap<>(granted);
        Putter<T> first = firstGranted;
        if (first != null) {
            ordered.put(first.place, first);
        }
        returned.forEach((place, back) -> {
            Putter<T> putter = back.putter();
            if (putter != null) {
                ordered.put(place, putter);
            }
        });
        return new ArrayList<>(ordered.values());
    }

    /** Takes out the offers that have come back, and gives their putters. */
    List<Putter<T>> takeReturned() {
        List<Putter<T>> putters = new ArrayList<>();
        returned.values().removeIf(back -> {
            Putter<T> putter = back.putter();
            return putter != null && putters.add(putter);
        });
        return putters;
    }

    /** Returns the number of items without a putter. */
    int ownerless() {
        return ownerless;
    }

    /** With those of the putters that wait. */
    @Override
    int size() {
        return returned.size() + line.size();
    }

    /** Without those of putters, as with {@link #clear}. */
    @Override
    List<T> snapshot() {
        return returned.values().stream()
                .filter(back -> back.putter() == null)
                .map(Returned::item)
                .toList();
    }

    @Override
    void clear() {
        returned.values().removeIf(back -> back.putter() == null);
        ownerless = 0;
    }
}
