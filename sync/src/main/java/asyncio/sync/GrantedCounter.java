package asyncio.sync;

import asyncio.EventLoop;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The number of waiters, by loop, that have been granted permits and have not resumed: a stuck loop may have any number
 * of them, which must cost the other loops nothing. Not thread-safe.
 */
final class GrantedCounter {
    private int all;
    /** One loop, usually the only one, if its number is not zero. */
    private @Nullable EventLoop loop;

    private int onLoop;
    private final Map<EventLoop, Integer> onOthers = new HashMap<>(0);

    /** @param loop null for a waiter that resumes on the granting thread */
    void add(@Nullable EventLoop loop) {
        all++;
        if (loop == null) {
            return;
        }
        if (onLoop == 0 && !onOthers.containsKey(loop)) {
            this.loop = loop;
        }
        if (loop == this.loop) {
            onLoop++;
        } else {
            onOthers.merge(loop, 1, Integer::sum);
        }
    }

    /** Removes a waiter; call it once for each {@link #add}. */
    void remove(@Nullable EventLoop loop) {
        all--;
        if (loop == null) {
            return;
        }
        if (loop != this.loop) {
            onOthers.computeIfPresent(loop, (same, number) -> number == 1 ? null : number - 1);
        } else if (--onLoop == 0) {
            this.loop = null;
        }
    }

    boolean anyOn(@Nullable EventLoop loop) {
        return loop != null && (loop == this.loop || onOthers.containsKey(loop));
    }

    boolean isEmpty() {
        return all == 0;
    }
}
