package asyncio;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A search for tasks that are being cleaned up after a cancellation, among Futures and the Futures that these wait for.
 * It examines each one once, since there may be many. Not thread-safe.
 */
final class CleanupSearch {
    private final Iterator<? extends Future<?>> roots;
    private final Set<Future<?>> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Deque<Future<?>> inner = new ArrayDeque<>();

    CleanupSearch(List<? extends Future<?>> roots) {
        this.roots = roots.iterator();
    }

    /** Returns the next task found, or null. */
    @Nullable Task<?> next() {
        for (Future<?> future; (future = poll()) != null; ) {
            if (future.done()) {
                continue;
            }
            for (Future<?> part : future.parts()) {
                add(part);
            }
            if (future instanceof Task<?> task) {
                Future<?> awaited = task.awaitedFuture();
                if (awaited != null) {
                    add(awaited);
                }
                if (task.isBeingCleanedUp()) {
                    return task;
                }
            }
        }
        return null;
    }

    private @Nullable Future<?> poll() {
        return inner.isEmpty() && roots.hasNext() ? roots.next() : inner.poll();
    }

    private void add(Future<?> future) {
        if (seen.add(future)) {
            inner.add(future);
        }
    }
}
