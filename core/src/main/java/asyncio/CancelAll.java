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
    /** The first that has been asked: often the only one, such as the loser of a race of two. */
    private @Nullable Object first;

    private @Nullable Set<Object> others;

    CancelAll(@Nullable String message) {
        this.message = message;
    }

    boolean hasAsked(Object future) {
        return future == first || others != null && others.contains(future);
    }

    /** Records that the Future, or the one that it awaits, has the request. */
    void add(Object future) {
        if (first == null) {
            first = future;
            return;
        }
        Set<Object> others = this.others;
        if (others == null) {
            others = Collections.newSetFromMap(new IdentityHashMap<>());
            this.others = others;
        }
        others.add(future);
    }
}
