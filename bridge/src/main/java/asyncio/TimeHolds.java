package asyncio;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * Those who keep the virtual time of a loop from jumping: work off the loop that may still call back. From any thread.
 */
final class TimeHolds {
    private final Runnable whenReleased;
    private final Set<Hold> holds = ConcurrentHashMap.newKeySet();
    /** The size of a concurrent set may miss one that comes while another goes. */
    private final AtomicInteger count = new AtomicInteger();

    TimeHolds(Runnable whenReleased) {
        this.whenReleased = whenReleased;
    }

    /** Until it is disposed of. */
    Disposable add(Object holder, @Nullable Origin origin) {
        count.incrementAndGet();
        Hold hold = new Hold(holder, origin);
        holds.add(hold);
        return hold;
    }

    boolean none() {
        return count.get() == 0;
    }

    List<Hold> snapshot() {
        return List.copyOf(holds);
    }

    /** By identity. */
    final class Hold implements Disposable {
        final Object holder;
        final @Nullable Origin origin;
        private final AtomicBoolean released = new AtomicBoolean();

        Hold(Object holder, @Nullable Origin origin) {
            this.holder = holder;
            this.origin = origin;
        }

        @Override
        public void dispose() {
            if (released.compareAndSet(false, true)) {
                holds.remove(this);
                count.decrementAndGet();
                whenReleased.run();
            }
        }

        @Override
        public boolean isDisposed() {
            return released.get();
        }
    }
}
