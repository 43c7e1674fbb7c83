package asyncio;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One cancellation of many Futures, by {@link Future#cancelEach}. Each one is asked once, even if others of them await
 * it and pass the request on: so the time for a chain of tasks that await each other is linear in its length, not
 * quadratic.
 */
final class CancelAll {
    final @Nullable String message;
    private final Set<Object> asked = Collections.newSetFromMap(new IdentityHashMap<>());

    CancelAll(@Nullable String message) {
        this.message = message;
    }

    boolean hasAsked(Object future) {
        return asked.contains(future);
    }

    /** Records that the Future, or the one that it awaits, has the request. */
    void add(Object future) {
        asked.add(future);
    }
}
