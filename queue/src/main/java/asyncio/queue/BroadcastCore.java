package asyncio.queue;

import asyncio.Suppressed;
import asyncio.WaitQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The state of a {@link Broadcast}, including its subscribers' buffers, under one monitor, so that all subscribers
 * receive the items in the same order, and an item is in all buffers or in none. No signal is sent while it is held.
 *
 * <p>Ownership: a sender is granted room; its item enters the buffers in its next step. Only one sender at a time has a
 * grant, and no other sends before it has. A granted item has left its buffer, and returns to its place if the getter
 * does not resume with it.
 */
final class BroadcastCore<T> {
    private final int replay;
    /** The latest items, at most {@link #replay}. */
    private final Deque<T> replayed = new ArrayDeque<>();

    private final Set<SubscriberBuffer<T>> buffers = new LinkedHashSet<>();
    private final WaitQueue<SendSuspension<T>> senders = new WaitQueue<>();
    /** The number of buffers that make senders wait. */
    private int full;
    /** Whether a sender was granted room and has not resumed. */
    private boolean reserved;

    private boolean closed;

    BroadcastCore(int replay) {
        this.replay = replay;
    }

    // ---- sending

    /** Sends without waiting; false if that is not possible. */
    boolean trySend(T item) {
        List<Told> told;
        synchronized (this) {
            if (closed) {
                throw refusal();
            }
            if (full > 0 || reserved || !senders.isEmpty()) {
                return false;
            }
            told = publish(item);
        }
        tell(told);
        return true;
    }

    /** True if the sender may resume, with room reserved for it. */
    synchronized boolean begin(SendSuspension<T> sender) {
        if (!sender.isStillWaiting()) {
            return false;
        }
        if (closed) {
            return sender.refuse(refusal());
        }
        if (full > 0 || reserved || !senders.isEmpty()) {
            senders.add(sender);
            return false;
        }
        reserved = sender.admit();
        return reserved;
    }

    synchronized void leave(SendSuspension<T> sender) {
        senders.remove(sender);
    }

    /** Sends the item of the sender with reserved room, which has resumed. */
    void sendReserved(T item) {
        List<Told> told = new ArrayList<>();
        synchronized (this) {
            reserved = false;
            if (closed) {
                throw refusal(); // closed between the grant and this step
            }
            told.addAll(publish(item));
            addNextSender(told);
        }
        tell(told);
    }

    /** Releases the room reserved for a sender that will not resume. */
    void releaseReserved() {
        List<Told> told = new ArrayList<>(1);
        synchronized (this) {
            reserved = false;
            addNextSender(told);
        }
        tell(told);
    }

    /** Adds an item to all buffers, under the monitor; returns the waiters to notify. */
    private List<Told> publish(T item) {
        if (replay > 0) {
            if (replayed.size() == replay) {
                replayed.remove();
            }
            replayed.add(item);
        }
        List<Told> told = List.of();
        List<SubscriberBuffer<T>> gone = List.of();
        for (SubscriberBuffer<T> buffer : buffers) {
            Told getter = buffer.accept(item);
            if (getter != null) {
                told = told.isEmpty() ? new ArrayList<>(buffers.size()) : told;
                told.add(getter);
            }
            if (buffer.isDisconnected()) {
                gone = gone.isEmpty() ? new ArrayList<>() : gone;
                gone.add(buffer);
            }
        }
        gone.forEach(buffers::remove);
        return told;
    }

    /** Under the monitor. */
    private void addNextSender(List<Told> told) {
        while (!reserved && full == 0 && !senders.isEmpty()) {
            SendSuspension<T> next = senders.poll();
            if (next != null && next.admit()) {
                reserved = true;
                told.add(next);
            }
        }
    }

    void close() {
        List<Told> told = new ArrayList<>();
        synchronized (this) {
            closed = true;
            for (SendSuspension<T> sender; (sender = senders.poll()) != null; ) {
                if (sender.refuse(refusal())) {
                    told.add(sender);
                }
            }
            for (SubscriberBuffer<T> buffer : buffers) {
                buffer.end(told);
            }
        }
        tell(told);
    }

    private QueueShutDownException refusal() {
        return new QueueShutDownException("Cannot send to " + this + ": it is closed");
    }

    // ---- subscribers

    synchronized SubscriberBuffer<T> subscribe(int capacity, Broadcast.Overflow overflow) {
        SubscriberBuffer<T> buffer = new SubscriberBuffer<>(this, capacity, overflow);
        replayed.stream().skip(Math.max(0, replayed.size() - capacity)).forEach(buffer::accept);
        buffers.add(buffer);
        if (closed) {
            buffer.end(new ArrayList<>());
        }
        return buffer;
    }

    /** Removes a subscriber. */
    void unsubscribe(SubscriberBuffer<T> buffer) {
        List<Told> told = new ArrayList<>();
        synchronized (this) {
            buffers.remove(buffer);
            buffer.close(told);
            addNextSender(told);
        }
        tell(told);
    }

    /** Counts one buffer more, or one less, that makes senders wait. */
    void countFull(boolean more) {
        full += more ? 1 : -1;
    }

    /** Returns an item, or null; throws if there will never be one. */
    @Nullable T poll(SubscriberBuffer<T> buffer) {
        T item;
        List<Told> told = List.of();
        synchronized (this) {
            item = buffer.poll();
            if (item == null) {
                RuntimeException refusal = buffer.refusal();
                if (refusal != null) {
                    throw refusal;
                }
            } else if (!senders.isEmpty()) {
                told = new ArrayList<>(1);
                addNextSender(told);
            }
        }
        tell(told);
        return item;
    }

    boolean begin(SubscriberBuffer<T> buffer, BufferGetter<T> getter) {
        boolean granted;
        List<Told> told = new ArrayList<>(1);
        synchronized (this) {
            if (!getter.isStillWaiting()) {
                return false;
            }
            granted = buffer.serve(getter);
            addNextSender(told);
        }
        tell(told);
        return granted;
    }

    synchronized void leave(SubscriberBuffer<T> buffer, BufferGetter<T> getter) {
        buffer.remove(getter);
    }

    /** Returns a granted item with which its getter will not resume. */
    void giveBack(SubscriberBuffer<T> buffer, T item, long place) {
        Told told;
        synchronized (this) {
            told = buffer.restore(item, place);
        }
        if (told != null) {
            told.deliver();
        }
    }

    private static void tell(List<Told> told) {
        if (told.isEmpty()) {
            return; // an iterator costs as much as all the rest
        }
        Error first = null;
        for (Told one : told) {
            try {
                one.deliver();
            } catch (Error e) { // from a subscriber that runs here; notify the others nevertheless
                first = first == null ? e : Suppressed.add(first, e);
            }
        }
        if (first != null) {
            throw first;
        }
    }

    // ---- looking

    synchronized boolean isClosed() {
        return closed;
    }

    synchronized int subscribers() {
        return buffers.size();
    }

    synchronized List<SendSuspension<T>> senders() {
        return senders.snapshot();
    }

    synchronized boolean isOver(SubscriberBuffer<T> buffer) {
        return buffer.isOver();
    }

    synchronized int size(SubscriberBuffer<T> buffer) {
        return buffer.size();
    }

    synchronized long missed(SubscriberBuffer<T> buffer) {
        return buffer.missed();
    }

    synchronized String describe(SubscriberBuffer<T> buffer) {
        return buffer.toString();
    }

    @Override
    public synchronized String toString() {
        return "<Broadcast" + (buffers.isEmpty() ? "" : " subscribers[" + buffers.size() + "]")
                + (senders.isEmpty() ? "" : " senders[" + senders.size() + "]") + (closed ? " closed" : "") + ">";
    }
}
