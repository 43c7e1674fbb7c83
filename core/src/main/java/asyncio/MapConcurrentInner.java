package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One item on its way through {@link MapConcurrentMain}; notified of its Future's end on the loop. */
final class MapConcurrentInner<R> extends Waiter {
    private final MapConcurrentMain<?, R> mapping;
    private @Nullable Future<R> future;
    /** Whether the Future was started here, so that its result has no other owner. */
    private boolean ours;
    /** Whether the worker has seen the end. */
    boolean ended;

    private @Nullable MapConcurrentInner<R> before;

    @Nullable MapConcurrentInner<R> after;

    MapConcurrentInner(MapConcurrentMain<?, R> mapping) {
        this.mapping = mapping;
    }

    void started(Future<R> future, boolean ours) {
        this.future = future;
        this.ours = ours;
    }

    Future<R> future() {
        return Objects.requireNonNull(future, "started before it is taken");
    }

    boolean isOurs() {
        return ours;
    }

    @Override
    public void run() {
        mapping.ended(this);
    }

    @Override
    Object tells() {
        return mapping.subscriber();
    }

    @Override
    LoopCore resumesOn() {
        return mapping.loop();
    }

    @Override
    public String toString() {
        return mapping.toString();
    }

    /** Slots in the order of their items; for one thread at a time. */
    static final class InOrder<R> {
        private @Nullable MapConcurrentInner<R> first;
        private @Nullable MapConcurrentInner<R> last;

        @Nullable MapConcurrentInner<R> first() {
            return first;
        }

        void add(MapConcurrentInner<R> slot) {
            slot.before = last;
            if (last == null) {
                first = slot;
            } else {
                last.after = slot;
            }
            last = slot;
        }

        void remove(MapConcurrentInner<R> slot) {
            if (slot.before == null) {
                first = slot.after;
            } else {
                slot.before.after = slot.after;
            }
            if (slot.after == null) {
                last = slot.before;
            } else {
                slot.after.before = slot.before;
            }
            slot.before = null;
            slot.after = null;
        }
    }
}
