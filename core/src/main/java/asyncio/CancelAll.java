package asyncio;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One cancellation of many Futures. Each one is asked once, even if others of them await it and pass the request on: so
 * a chain of tasks that await each other takes time in proportion to its length, and not to the square of that.
 */
final class CancelAll {
    private final @Nullable String message;
    private final Set<Future<?>> asked = Collections.newSetFromMap(new IdentityHashMap<>());

    private CancelAll(@Nullable String message) {
        this.message = message;
    }

    /**
     * Cancels each; from any thread, which must not hold a lock.
     *
     * @param among what this is part of, if anything
     */
    static void of(List<? extends Future<?>> futures, @Nullable String message, @Nullable CancelAll among) {
        if (futures.size() == 1 && among == null) {
            futures.get(0).cancel(message); // the usual case
            return;
        }
        CancelAll all = among == null ? new CancelAll(message) : among;
        for (Future<?> future : futures) {
            if (!all.hasAsked(future)) {
                future.cancel(all.message, all);
            }
        }
    }

    boolean hasAsked(Future<?> future) {
        return asked.contains(future);
    }

    /** The Future has the request, or what it awaits has. */
    void add(Future<?> future) {
        asked.add(future);
    }
}
