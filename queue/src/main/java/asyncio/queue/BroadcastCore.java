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
 * The state of a {@link Broadcast}, all buffers of its subscribers included, under one monitor: so that all get the
 * items in the same order, and an item is in all buffers or in none. No signal is sent while it is held.
 *
 * <p>Ownership: a sender is granted room, not the entry of its item, which comes with its next step; at most one is at
 * a time, and nobody sends before that one has. A getter's item is out of its buffer, and comes back to its place if
 * the getter does not resume with it.
 */
final class BroadcastCore<T> {
    private final int replay;
    /** The last items, not more than {@link #replay}. */
    private final Deque<T> replayed = new ArrayDeque<>();

    private final Set<SubscriberBuffer<T>> buffers = new LinkedHashSet<>();
    private final WaitQueue<SendSuspension<T>> senders = new WaitQueue<>();
    /** The number of buffers that make senders wait. */
    private int full;
    /** A sender was granted room, and has not resumed. */
    private boolean reserved;

    private boolean closed;

    BroadcastCore(int replay) {
        this.replay = replay;
    }

    // ---- sending

    /** Without a wait; false if that cannot be. */
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

    /** True if it may go on, for which room is reserved. */
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

    /** The sender who was granted room resumes. */
    void sendReserved(T item) {
        List<Told> told = new ArrayList<>();
        synchronized (this) {
            reserved = false;
            if (closed) {
                throw refusal(); // it came in between
            }
            told.addAll(publish(item));
            addNextSender(told);
        }
        tell(told);
    }

    /** It does not. */
    void releaseReserved() {
        List<Told> told = new ArrayList<>(1);
        synchronized (this) {
            reserved = false;
            addNextSender(told);
        }
        tell(told);
    }

    /** Under the monitor; whom to tell. */
    private List<Told> publish(T item) {
        if (replay > 0) {
            if (replayed.size() == replay) {
                replayed.remove();
            }
            replayed.add(item);
        }
        List<Told> told = new ArrayList<>(buffers.size());
        List<SubscriberBuffer<T>> gone = List.of();
        for (SubscriberBuffer<T> buffer : buffers) {
            Told getter = buffer.accept(item);
            if (getter != null) {
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

    /** The subscriber wants no more. */
    void unsubscribe(SubscriberBuffer<T> buffer) {
        List<Told> told = new ArrayList<>();
        synchronized (this) {
            buffers.remove(buffer);
            buffer.close(told);
            addNextSender(told);
        }
        tell(told);
    }

    /** One more makes senders wait, or one less. */
    void countFull(boolean more) {
        full += more ? 1 : -1;
    }

    /** An item, or null; throws if there will never be one. */
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

    /** An item that was granted, and that nobody goes on with. */
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
        Error first = null;
        for (Told one : told) {
            try {
                one.deliver();
            } catch (Error e) { // of a subscriber that runs here; the others are told all the same
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
