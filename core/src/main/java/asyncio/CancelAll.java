package asyncio;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One cancellation of many Futures, by {@link Future#cancelEach}. Each one is asked once, even if others of them await
 * it and pass the request on: so a chain of tasks that await each other takes time in proportion to its length, and not
 * to the square of that.
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

    /** The Future has the request, or what it awaits has. */
    void add(Object future) {
        asked.add(future);
    }
}
