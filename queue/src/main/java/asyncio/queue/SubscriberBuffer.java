package asyncio.queue;

import asyncio.Suspension;
import asyncio.WaitQueue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The items that a subscriber of a {@link Broadcast} has not received yet, and its getters. Guarded by the broadcast's
 * monitor; getters wait only while there is no item.
 */
final class SubscriberBuffer<T> {
    private enum State {
        OPEN,
        /** The broadcast is closed: no more items arrive. */
        ENDED,
        /** The buffer was full when an item arrived. */
        DISCONNECTED,
        /** Closed by the subscriber; its items are dropped. */
        CLOSED
    }

    final BroadcastCore<T> core;
    private final int capacity;
    private final Broadcast.Overflow overflow;
    private final FifoItems<T> items = new FifoItems<>();
    private final WaitQueue<BufferGetter<T>> getters = new WaitQueue<>();
    private final WaitQueue<BufferEnd> ends = new WaitQueue<>();
    private State state = State.OPEN;
    private boolean full;
    private long missed;

    SubscriberBuffer(BroadcastCore<T> core, int capacity, Broadcast.Overflow overflow) {
        this.core = core;
        this.capacity = capacity;
        this.overflow = overflow;
    }

    /** Notifies the broadcast if senders must wait from now on, or need not any longer. */
    private void update() {
        boolean now = overflow == Broadcast.Overflow.SUSPEND && state == State.OPEN && items.size() >= capacity;
        if (now != full) {
            full = now;
            core.countFull(now);
        }
    }

    /** Adds an item, or grants it to a getter and returns that to notify. */
    @Nullable BufferGetter<T> accept(T item) {
        if (!getters.isEmpty()) {
            items.pass();
            BufferGetter<T> getter = offer(item, items.place);
            if (getter != null) {
                return getter;
            }
        }
        if (overflow == Broadcast.Overflow.DROP_OLDEST) {
            while (items.size() >= capacity) { // several, if items were given back meanwhile
                items.poll();
                missed++;
            }
        } else if (items.size() >= capacity && overflow == Broadcast.Overflow.DISCONNECT) {
            state = State.DISCONNECTED;
            missed++;
            return null;
        }
        items.add(item);
        update();
        return null;
    }

    private @Nullable BufferGetter<T> offer(T item, long place) {
        for (BufferGetter<T> getter; (getter = getters.poll()) != null; ) {
            if (getter.offer(item, place)) {
                return getter;
            }
        }
        return null;
    }

    @Nullable T poll() {
        T item = items.poll();
        update();
        return item;
    }

    /** Returns the place of the item of the last {@link #poll}. */
    long place() {
        return items.place;
    }

    /** Grants a getter an item, or ends it; false if it must wait. */
    boolean serve(BufferGetter<T> getter) {
        T item = items.poll();
        if (item != null) {
            boolean granted = getter.offer(item, items.place);
            if (!granted) {
                items.restore(item, items.place); // it was cancelled a moment ago
            }
            update();
            return granted;
        }
        RuntimeException refusal = refusal();
        if (refusal != null) {
            return getter.refuse(refusal);
        }
        getters.add(getter);
        return false;
    }

    /** Ends a watcher; false if it must wait. */
    boolean serve(BufferEnd watcher) {
        if (isOver()) {
            return watcher.grant();
        }
        ends.add(watcher);
        return false;
    }

    void remove(BufferGetter<T> getter) {
        getters.remove(getter);
    }

    void remove(BufferEnd watcher) {
        ends.remove(watcher);
    }

    /** Takes back an item, or grants it to a getter and returns that to notify. */
    @Nullable BufferGetter<T> restore(T item, long place) {
        if (state == State.CLOSED) {
            return null;
        }
        BufferGetter<T> getter = offer(item, place);
        if (getter == null) {
            items.restore(item, place);
            update();
        }
        return getter;
    }

    /** Ends the buffer because the broadcast is closed. */
    void end(List<Suspension<?>> told) {
        if (state == State.OPEN) {
            state = State.ENDED;
            update();
            refuseAll(told);
        }
    }

    /** Closes the buffer for the subscriber. */
    void close(List<Suspension<?>> told) {
        state = State.CLOSED;
        items.clear();
        update();
        refuseAll(told);
    }

    private void refuseAll(List<Suspension<?>> told) {
        for (BufferGetter<T> getter; (getter = getters.poll()) != null; ) {
            RuntimeException refusal = refusal();
            if (refusal != null && getter.refuse(refusal)) {
                told.add(getter);
            }
        }
        for (BufferEnd watcher; isOver() && (watcher = ends.poll()) != null; ) {
            if (watcher.grant()) {
                told.add(watcher);
            }
        }
    }

    boolean isDisconnected() {
        return state == State.DISCONNECTED;
    }

    /** The reason that an empty buffer will get no more items; null if it may. */
    @Nullable RuntimeException refusal() {
        return switch (state) {
            case OPEN -> null;
            case ENDED -> new QueueShutDownException("Cannot get from " + this + ": its broadcast is closed");
            case CLOSED -> new QueueShutDownException("Cannot get from " + this + ": it was closed");
            case DISCONNECTED ->
                new SlowSubscriberException("Disconnected " + this + ", which was full when another item arrived: get"
                        + " faster, or subscribe with a larger buffer, DROP_OLDEST or SUSPEND");
        };
    }

    /** A guess, without the monitor: whether a get would have to wait. */
    boolean looksEmpty() {
        return items.size() == 0;
    }

    int size() {
        return items.size();
    }

    long missed() {
        return missed;
    }

    private boolean isOver() {
        return (state == State.ENDED || state == State.CLOSED) && items.size() == 0;
    }

    @Override
    public String toString() {
        return "<BroadcastSubscription capacity=" + capacity + " size=" + items.size() + " " + overflow
                + (missed > 0 ? " missed=" + missed : "") + ">";
    }
}
