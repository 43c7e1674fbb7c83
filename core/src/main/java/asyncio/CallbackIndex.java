package asyncio;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The callbacks of a {@link WaiterList} by hash code, so that removing one of many needs no search through all. Guarded
 * by the list; hash codes are computed by users' code, outside of its monitor.
 */
final class CallbackIndex {
    /** A callback, or a set of those with the same hash code. */
    private final Map<Integer, Object> byHash = new HashMap<>();
    /** The waiters that are not indexed yet. */
    private List<Waiter> fresh = new ArrayList<>();

    void add(Waiter waiter) {
        if (waiter.callback() != null) {
            fresh.add(waiter);
        }
    }

    List<Waiter> takeFresh() {
        List<Waiter> taken = fresh;
        fresh = new ArrayList<>();
        return taken;
    }

    void put(int hash, Waiter callback) {
        byHash.merge(hash, callback, CallbackIndex::together);
    }

    @SuppressWarnings("unchecked")
    private static Object together(Object before, Object callback) {
        Set<Object> all = before instanceof Set<?> several ? (Set<Object>) several : new LinkedHashSet<>();
        if (before instanceof Waiter) {
            all.add(before);
        }
        all.add(callback);
        return all;
    }

    /** Returns a copy of the callbacks with a hash code. */
    @SuppressWarnings("unchecked")
    List<Waiter> with(int hash) {
        Object found = byHash.get(hash);
        if (found instanceof Waiter one) {
            return List.of(one);
        }
        return found == null ? List.of() : List.copyOf((Set<Waiter>) found);
    }

    void remove(int hash, Waiter callback) {
        byHash.computeIfPresent(hash, (same, found) -> {
            if (found instanceof Set<?> several) {
                several.remove(callback);
                return several.isEmpty() ? null : several;
            }
            return found == callback ? null : found;
        });
    }
}
