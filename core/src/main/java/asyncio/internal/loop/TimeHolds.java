package asyncio.internal.loop;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The holds that keep the virtual time of a loop from jumping: work off the loop that may still call back. From any
 * thread.
 */
public final class TimeHolds {
    private final Runnable whenReleased;
    private final Set<Hold> holds = ConcurrentHashMap.newKeySet();
    /**
     * Kept separately, since the size of a concurrent set may miss an element that is added while another is removed.
     */
    private final AtomicInteger count = new AtomicInteger();

    TimeHolds(Runnable whenReleased) {
        this.whenReleased = whenReleased;
    }

    /** Adds a hold, which lasts until it is released. */
    Hold add(Object holder, @Nullable Throwable site) {
        count.incrementAndGet();
        Hold hold = new Hold(holder, site);
        holds.add(hold);
        return hold;
    }

    boolean none() {
        return count.get() == 0;
    }

    public List<Hold> snapshot() {
        return List.copyOf(holds);
    }

    /** A hold, compared by identity. */
    public final class Hold {
        public final Object holder;
        /** The place where the hold was requested. */
        public final @Nullable Throwable site;

        private final AtomicBoolean released = new AtomicBoolean();

        private Hold(Object holder, @Nullable Throwable site) {
            this.holder = holder;
            this.site = site;
        }

        /** Releases the hold; only the first call has an effect. */
        public void release() {
            if (released.compareAndSet(false, true)) {
                holds.remove(this);
                count.decrementAndGet();
                whenReleased.run();
            }
        }

        public boolean isReleased() {
            return released.get();
        }
    }
}
