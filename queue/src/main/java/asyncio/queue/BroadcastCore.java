package asyncio.queue;

import asyncio.AttemptSubscription;
import asyncio.Suspension;
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

    private boolean hasRoom() {
        return full == 0 && !reserved && senders.isEmpty();
    }

    /** A guess, without the monitor: whether a send would have to wait. */
    boolean looksFull() {
        return !hasRoom();
    }

    /**
     * Sends without waiting.
     *
     * @param attempt the subscription that sends; if it turns out to be cancelled, nothing happens
     * @return false if that is not possible
     */
    boolean trySend(T item, @Nullable AttemptSubscription<?> attempt) {
        WaitQueue<BufferGetter<T>> told;
        synchronized (this) {
            if (!closed && !hasRoom() || attempt != null && !attempt.claim()) {
                return false;
            }
            if (closed) {
                throw refusal();
            }
            told = publish(item);
        }
        tell(told, null);
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
        if (!hasRoom()) {
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
        WaitQueue<BufferGetter<T>> told;
        SendSuspension<T> next;
        synchronized (this) {
            reserved = false;
            if (closed) {
                throw refusal(); // closed between the grant and this step
            }
            told = publish(item);
            next = nextSender();
        }
        tell(told, next);
    }

    /** Releases the room reserved for a sender that will not resume. */
    void releaseReserved() {
        SendSuspension<T> next;
        synchronized (this) {
            reserved = false;
            next = nextSender();
        }
        tell(null, next);
    }

    /** Adds an item to all buffers, under the monitor; returns the getters to notify, or null if there are none. */
    private @Nullable WaitQueue<BufferGetter<T>> publish(T item) {
        if (replay > 0) {
            if (replayed.size() == replay) {
                replayed.remove();
            }
            replayed.add(item);
        }
        WaitQueue<BufferGetter<T>> told = null;
        List<SubscriberBuffer<T>> gone = null;
        for (SubscriberBuffer<T> buffer : buffers) {
            BufferGetter<T> getter = buffer.accept(item);
            if (getter != null) {
                told = told == null ? new WaitQueue<>() : told;
                told.add(getter);
            }
            if (buffer.isDisconnected()) {
                gone = gone == null ? new ArrayList<>() : gone;
                gone.add(buffer);
            }
        }
        if (gone != null) {
            gone.forEach(buffers::remove);
        }
        return told;
    }

    /** Grants room to the sender that has waited longest, under the monitor, and returns it to be notified. */
    private @Nullable SendSuspension<T> nextSender() {
        while (!reserved && full == 0 && !senders.isEmpty()) {
            SendSuspension<T> next = senders.poll();
            if (next != null && next.admit()) {
                reserved = true;
                return next;
            }
        }
        return null;
    }

    void close() {
        List<Suspension<?>> told = new ArrayList<>();
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
        Suspension.deliverAll(told);
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
        List<Suspension<?>> told = new ArrayList<>();
        synchronized (this) {
            buffers.remove(buffer);
            buffer.close(told);
            SendSuspension<T> next = nextSender();
            if (next != null) {
                told.add(next);
            }
        }
        Suspension.deliverAll(told);
    }

    /** Counts one buffer more, or one less, that makes senders wait. */
    void countFull(boolean more) {
        full += more ? 1 : -1;
    }

    /**
     * Returns the next item, or null.
     *
     * @param refuses whether to throw if there will never be one
     * @param attempt the subscription that gets; if it turns out to be cancelled, nothing happens
     */
    @Nullable T poll(SubscriberBuffer<T> buffer, boolean refuses, @Nullable AttemptSubscription<?> attempt) {
        T item;
        SendSuspension<T> next;
        synchronized (this) {
            if (buffer.size() == 0) {
                RuntimeException refusal = refuses ? buffer.refusal() : null;
                if (refusal != null) {
                    throw refusal;
                }
                return null;
            }
            if (attempt != null && !attempt.claim()) {
                return null;
            }
            item = buffer.poll();
            next = nextSender();
        }
        tell(null, next);
        return item;
    }

    /** Takes as many items as {@code into} and {@code max} allow; returns their number. */
    int poll(SubscriberBuffer<T> buffer, @Nullable Object[] into, long[] places, int max) {
        int n = 0;
        SendSuspension<T> next;
        synchronized (this) {
            int most = Math.min(max, into.length);
            for (T item; n < most && (item = buffer.poll()) != null; n++) {
                into[n] = item;
                places[n] = buffer.place();
            }
            next = nextSender();
        }
        tell(null, next);
        return n;
    }

    boolean begin(SubscriberBuffer<T> buffer, BufferGetter<T> getter) {
        boolean granted;
        SendSuspension<T> next;
        synchronized (this) {
            if (!getter.isStillWaiting()) {
                return false;
            }
            granted = buffer.serve(getter);
            next = nextSender();
        }
        tell(null, next);
        return granted;
    }

    synchronized void leave(SubscriberBuffer<T> buffer, BufferGetter<T> getter) {
        buffer.remove(getter);
    }

    synchronized boolean begin(SubscriberBuffer<?> buffer, BufferEnd watcher) {
        return watcher.isStillWaiting() && buffer.serve(watcher);
    }

    synchronized void leave(SubscriberBuffer<?> buffer, BufferEnd watcher) {
        buffer.remove(watcher);
    }

    /** Returns a granted item with which its getter will not resume. */
    void giveBack(SubscriberBuffer<T> buffer, T item, long place) {
        BufferGetter<T> told;
        synchronized (this) {
            told = buffer.restore(item, place);
        }
        if (told != null) {
            told.deliver();
        }
    }

    /** Notifies the getters and the sender that were granted something; outside the monitor. */
    private static <T> void tell(@Nullable WaitQueue<BufferGetter<T>> getters, @Nullable SendSuspension<T> sender) {
        try {
            if (getters != null) {
                getters.deliverAll();
            }
        } finally { // also if a subscriber that runs here throws an Error
            if (sender != null) {
                sender.deliver();
            }
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

    /** Returns the reason for which an empty buffer will get no more items; null if it may, or is not empty. */
    synchronized @Nullable RuntimeException refusal(SubscriberBuffer<T> buffer) {
        return buffer.size() == 0 ? buffer.refusal() : null;
    }

    synchronized int size(SubscriberBuffer<T> buffer) {
        return buffer.size();
    }

    synchronized long missed(SubscriberBuffer<T> buffer) {
        return buffer.missed();
    }

    synchronized String describe(SubscriberBuffer<?> buffer) {
        return buffer.toString();
    }

    @Override
    public synchronized String toString() {
        return "<Broadcast" + (buffers.isEmpty() ? "" : " subscribers[" + buffers.size() + "]")
                + (senders.isEmpty() ? "" : " senders[" + senders.size() + "]") + (closed ? " closed" : "") + ">";
    }
}
