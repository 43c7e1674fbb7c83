package asyncio.queue;

import asyncio.AttemptSubscription;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The state of a queue and all its changes, under one monitor: the items, the getters and the putters. While it is
 * held, no signal is sent and no user code runs except the comparator of a {@link PriorityQueue}, which throws before
 * anything has changed.
 *
 * <p>Ownership: an item granted to a getter has left {@link #items}, and returns to its place if the getter does not
 * resume with it. A putter is granted a slot; its item enters in its next step, so that a cancelled put has never
 * happened. Getters wait only while there is no item, putters only while there is no room.
 */
class QueueCore<T> extends Outlet<T> {
    /** The capacity; {@link Integer#MAX_VALUE} if unbounded, 0 for a rendezvous. */
    final int maxsize;

    private final String type;
    private final Items<T> items;
    private final @Nullable Consumer<? super T> onUndelivered;
    final WaitQueue<Getter<T>> getters = new WaitQueue<>();
    final WaitQueue<Putter<T>> putters;
    private final WaitQueue<JoinSuspension> joiners = new WaitQueue<>();
    /** Waiters for the queue to be shut down and empty. */
    private final WaitQueue<JoinSuspension> ends = new WaitQueue<>();
    /** The number of slots granted to putters that have not resumed. */
    private int reserved;
    /** The number of items put and not yet reported as done. */
    long unfinished;

    boolean shutDown;
    private boolean immediate;

    QueueCore(String type, int maxsize, Items<T> items, @Nullable Consumer<? super T> onUndelivered) {
        this(type, maxsize, items, new WaitQueue<>(), onUndelivered);
    }

    QueueCore(
            String type,
            int maxsize,
            Items<T> items,
            WaitQueue<Putter<T>> putters,
            @Nullable Consumer<? super T> onUndelivered) {
        this.type = type;
        this.maxsize = maxsize;
        this.items = items;
        this.putters = putters;
        this.onUndelivered = onUndelivered;
    }

    // ---- under the monitor

    private boolean hasRoom() {
        return items.size() + reserved < maxsize;
    }

    /**
     * Grants the item to the getter that has waited longest, and returns it for the caller to notify; without one,
     * stores it.
     */
    private @Nullable Told enter(T item) {
        if (!getters.isEmpty()) {
            items.pass();
            Told told = offer(item, items.place);
            if (told != null) {
                unfinished++;
                return told;
            }
        }
        items.add(item);
        unfinished++;
        return null;
    }

    /** Returns the getter to notify if one takes the item; null if none waits any longer. */
    @Nullable Told offer(T item, long place) {
        for (Getter<T> getter; (getter = getters.peek()) != null; ) {
            Told told = getter.offer(item, place);
            if (told == null || !getter.wantsMore()) {
                getters.remove(getter);
            }
            if (told != null) {
                return told;
            }
        }
        return null;
    }

    /** Admits the putter that has waited longest, if there is room. */
    private @Nullable Suspension<?> admit() {
        for (Putter<T> putter; hasRoom() && (putter = putters.poll()) != null; ) {
            Suspension<?> told = putter.admit();
            if (told != null) {
                reserved++;
                return told;
            }
        }
        return null;
    }

    private List<Suspension<?>> admitAll() {
        List<Suspension<?>> told = new ArrayList<>();
        for (Suspension<?> next; (next = admit()) != null; ) {
            told.add(next);
        }
        return told;
    }

    private List<Suspension<?>> done(int count) {
        unfinished = Math.max(0, unfinished - count);
        return unfinished == 0 ? JoinSuspension.grantAll(joiners) : List.of();
    }

    private List<Suspension<?>> endIfDrained() {
        return shutDown && items.size() == 0 ? JoinSuspension.grantAll(ends) : List.of();
    }

    /** A guess, without the monitor: whether a put would have to wait. */
    boolean looksFull() {
        return !hasRoom();
    }

    /** A guess, without the monitor: whether a get would have to wait. */
    @Override
    boolean looksEmpty() {
        return items.size() == 0;
    }

    // ---- for a rendezvous

    /** Returns whether a put lasts until a getter has resumed with the item. */
    boolean isRendezvous() {
        return false;
    }

    /** Under the monitor: an item was taken without a wait; whom to tell. */
    @Nullable Suspension<?> polled() {
        return putters.isEmpty() ? null : admit();
    }

    /** A getter resumes with the item that was granted to it, or a subscriber gets it. */
    @Override
    void taken(long place) {}

    /** Under the monitor. */
    int putterCount() {
        return putters.size();
    }

    /** Under the monitor. */
    List<Putter<T>> waitingPutters() {
        return putters.snapshot();
    }

    /** Under the monitor: whether an item that comes back is not for any other getter, and who is told of that. */
    boolean isWithdrawn(long place, List<Told> told) {
        return false;
    }

    /** Under the monitor: the queue was shut down; adds the putters to tell, if they are not in their line. */
    void refuseReturned(List<Suspension<?>> told) {}

    /** Returns whether a getter has the item of a putter that was cancelled. */
    boolean isGettersOwn(Putter<T> putter) {
        return false;
    }

    /** Ends the wait of a putter, whose time is out, or whose task is cancelled; false if that comes too late. */
    boolean end(Putter<T> putter, Throwable error) {
        return putter.endHere(error);
    }

    // ---- putting

    /**
     * Puts an item without waiting.
     *
     * @param attempt the subscription that puts; if it turns out to be cancelled, nothing happens
     * @return false if there is no room
     */
    boolean put(T item, @Nullable AttemptSubscription<?> attempt) {
        Told told;
        synchronized (this) {
            if (!shutDown && !hasRoom() || attempt != null && !attempt.claim()) {
                return false;
            }
            if (shutDown) {
                throw state().refusal("put into");
            }
            told = enter(item);
        }
        tell(told);
        return true;
    }

    boolean begin(Putter<T> putter) {
        synchronized (this) {
            if (shutDown) {
                return putter.refuse(state().refusal("put into")) != null;
            }
            if (!putter.isStillWaiting()) {
                return false;
            }
            if (!hasRoom()) {
                putters.add(putter);
                return false;
            }
            if (putter.admit() == null) {
                return false;
            }
            reserved++;
            return true;
        }
    }

    /** Enters the item of a putter that was granted a slot and has resumed. */
    void enterReserved(T item) {
        Told told = null;
        Suspension<?> next = null;
        try {
            synchronized (this) {
                reserved--;
                try {
                    if (shutDown) {
                        throw state().refusal("put into"); // asyncio's putters check again too
                    }
                    told = enter(item);
                } finally {
                    next = admit(); // the slot is free if the item went to a getter or was rejected
                }
            }
        } finally {
            tellBoth(told, next);
        }
    }

    /** Releases the slot of a putter that will not resume. */
    void releaseSlot() {
        Suspension<?> next;
        synchronized (this) {
            reserved--;
            next = admit();
        }
        tell(next);
    }

    synchronized void leave(Putter<T> putter) {
        putters.remove(putter);
    }

    /** Returns the number of items that fit in now, for {@code putAll}. */
    synchronized int room() {
        return Math.max(0, maxsize - items.size() - reserved);
    }

    // ---- getting

    /**
     * Returns the next item, or null.
     *
     * @param refuses whether to throw if there will never be one
     * @param attempt the subscription that gets; if it turns out to be cancelled, nothing happens
     */
    @Nullable T poll(boolean refuses, @Nullable AttemptSubscription<?> attempt) {
        T item;
        Suspension<?> told = null;
        List<Suspension<?>> ended = List.of();
        synchronized (this) {
            if (items.size() == 0) {
                if (shutDown && refuses) {
                    throw state().refusal("get from");
                }
                return null;
            }
            if (attempt != null && !attempt.claim()) {
                return null;
            }
            item = items.poll();
            if (shutDown) {
                ended = endIfDrained();
            } else {
                told = polled();
            }
        }
        tell(told, ended);
        return item;
    }

    @Override
    int poll(@Nullable Object[] into, long[] places, int max) {
        int n = 0;
        List<Suspension<?>> told;
        synchronized (this) {
            int most = Math.min(max, into.length);
            try {
                for (T item; n < most && (item = items.poll()) != null; n++) {
                    into[n] = item;
                    places[n] = items.place;
                }
            } catch (RuntimeException | Error e) {
                if (n == 0) {
                    throw e;
                } // else the next call throws it
            }
            told = shutDown ? endIfDrained() : putters.isEmpty() ? List.of() : admitAll();
        }
        tellAll(told);
        return n;
    }

    boolean begin(Getter<T> getter) {
        T item;
        boolean granted;
        Suspension<?> told = null;
        List<Suspension<?>> ended = List.of();
        synchronized (this) {
            if (!getter.isStillWaiting()) {
                return false;
            }
            item = items.poll();
            if (item == null) {
                if (shutDown) {
                    return getter.refuse(state().refusal("get from")) != null;
                }
                getters.add(getter);
                return false;
            }
            granted = getter.offer(item, items.place) != null;
            if (!granted && restore(item, items.place) == null) {
                return false; // it was cancelled a moment ago, and the item's absence was not visible
            } else if (shutDown) {
                ended = endIfDrained();
            } else if (!putters.isEmpty()) {
                told = admit();
            }
        }
        if (!granted) {
            getter.giveBack(item); // which cannot return to its place
        }
        tell(told, ended);
        return granted;
    }

    /** Puts an item back in its place, under the monitor; returns a comparator's exception. */
    private @Nullable Throwable restore(T item, long place) {
        try {
            items.restore(item, place);
            return null;
        } catch (RuntimeException | Error e) {
            return e;
        }
    }

    /** Moves the available items into a batch; true if that completes it. */
    boolean begin(BatchSuspension<T> batch) {
        boolean granted = false;
        boolean collects = false;
        List<Suspension<?>> told;
        synchronized (this) {
            if (!batch.isStillWaiting()) {
                return false;
            }
            fill(batch);
            if (batch.isEmpty() && shutDown) {
                return batch.refuse(state().refusal("get from")) != null;
            }
            if (batch.isFull() || !batch.isEmpty() && (shutDown || batch.isImpatient())) {
                granted = batch.complete(); // else it is about to leave, and gives its items back
            } else {
                getters.add(batch.collector);
                collects = !batch.isEmpty();
            }
            told = shutDown ? endIfDrained() : putters.isEmpty() ? List.of() : admitAll();
        }
        tellAll(told);
        if (collects) {
            batch.startTimer();
        }
        return granted;
    }

    private void fill(BatchSuspension<T> batch) {
        try {
            for (T item; !batch.isFull() && (item = items.poll()) != null; ) {
                batch.add(item, items.place);
            }
        } catch (RuntimeException | Error e) {
            if (batch.isEmpty()) {
                throw e;
            } // else the next call throws it
        }
    }

    /** Completes the batch if it has items; true if so. */
    synchronized boolean timeUp(BatchSuspension<T> batch) {
        if (!batch.isStillWaiting() || batch.isEmpty()) {
            return false;
        }
        getters.remove(batch.collector);
        return batch.complete();
    }

    /** Removes a batch and returns its items, to be given back. */
    synchronized List<T> leave(BatchSuspension<T> batch) {
        getters.remove(batch.collector);
        return batch.takeOut();
    }

    /** Gives back one item; see {@link #giveBackAll}. */
    @Override
    void giveBack(T item, long place, Context context) {
        giveBackAll(List.of(item), new long[] {place}, context);
    }

    /**
     * Returns granted items with which their getter will not resume, all at once: to the next getters in line, or to
     * their places.
     */
    void giveBackAll(List<T> back, long[] places, Context context) {
        List<Told> told = new ArrayList<>(0);
        List<Suspension<?>> finished = List.of();
        List<T> lost = new ArrayList<>(0);
        Throwable failure = null;
        synchronized (this) {
            for (int i = 0; i < back.size(); i++) {
                if (isWithdrawn(places[i], told)) {
                    continue;
                }
                Told taker = offer(back.get(i), places[i]);
                Throwable refused = taker != null || immediate ? null : restore(back.get(i), places[i]);
                if (taker != null) {
                    told.add(taker);
                } else if (immediate || refused != null) {
                    lost.add(back.get(i));
                    failure = failure == null ? refused : failure;
                }
            }
            if (!lost.isEmpty()) {
                finished = done(lost.size());
            }
        }
        try {
            told.forEach(QueueCore::tell);
        } finally {
            tellAll(finished);
        }
        for (T item : lost) {
            undelivered(item, context);
        }
        if (failure != null) {
            Operators.onErrorDropped(failure, context);
        }
    }

    synchronized void leave(Getter<T> getter) {
        getters.remove(getter);
    }

    // ---- for a Flux

    @Override
    ItemSuspension<T> getter(CoreSubscriber<? super T> actual, @Nullable EventLoop loop) {
        return new Getter<>(this, actual, null, false, loop) {
            @Override
            public @Nullable T take(@Nullable T value) {
                return value; // it is taken when it is emitted
            }
        };
    }

    @Override
    Suspension<Void> end(CoreSubscriber<? super Void> actual, @Nullable EventLoop loop) {
        return new JoinSuspension(this, false, actual, loop);
    }

    @Override
    @Nullable RuntimeException refusal() {
        return null;
    }

    /** Discards an item that no getter will receive. */
    void undelivered(T item, Context context) {
        if (onUndelivered == null) {
            Operators.onDiscard(item, context);
            return;
        }
        try {
            onUndelivered.accept(item);
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            Operators.onErrorDropped(e, context);
        }
    }

    // ---- the end

    void taskDone() {
        List<Suspension<?>> told;
        synchronized (this) {
            if (unfinished == 0) {
                throw new IllegalStateException("taskDone() called more often than items were put into " + describe());
            }
            told = done(1);
        }
        tellAll(told);
    }

    void shutdown(boolean immediate) {
        List<Suspension<?>> told = new ArrayList<>();
        List<T> left = List.of();
        synchronized (this) {
            shutDown = true;
            if (immediate) {
                this.immediate = true;
                left = items.snapshot();
                items.clear();
            }
            for (Getter<T> getter; (getter = getters.poll()) != null; ) {
                add(told, getter.refuse(state().refusal("get from")));
            }
            for (Putter<T> putter; (putter = putters.poll()) != null; ) {
                add(told, putter.refuse(state().refusal("put into")));
            }
            refuseReturned(told);
            told.addAll(endIfDrained());
            if (immediate) {
                told.addAll(done(left.size()));
            }
        }
        tellAll(told);
        for (T item : left) {
            undelivered(item, Context.empty());
        }
    }

    static void add(List<Suspension<?>> told, @Nullable Suspension<?> suspension) {
        if (suspension != null) {
            told.add(suspension);
        }
    }

    /** Begins the wait of a {@link JoinSuspension}; true if it need not wait. */
    synchronized boolean begin(JoinSuspension watcher, boolean joins) {
        if (!watcher.isStillWaiting()) {
            return false;
        }
        if (joins ? unfinished == 0 : shutDown && items.size() == 0) {
            return watcher.grant();
        }
        (joins ? joiners : ends).add(watcher);
        return false;
    }

    synchronized void leave(JoinSuspension watcher, boolean joins) {
        (joins ? joiners : ends).remove(watcher);
    }

    // ---- notifying, outside the monitor

    static void tell(@Nullable Told told) {
        if (told != null) {
            told.deliver();
        }
    }

    static void tell(@Nullable Suspension<?> suspension) {
        if (suspension != null) {
            suspension.deliver();
        }
    }

    private static void tellBoth(@Nullable Told one, @Nullable Suspension<?> other) {
        try {
            tell(one);
        } finally {
            tell(other);
        }
    }

    private static void tellAll(List<Suspension<?>> suspensions) {
        if (!suspensions.isEmpty()) { // an iterator costs as much as the rest
            Suspension.deliverAll(suspensions);
        }
    }

    private static void tell(@Nullable Suspension<?> one, List<Suspension<?>> others) {
        try {
            tell(one);
        } finally {
            tellAll(others);
        }
    }

    // ---- looking

    synchronized QueueState state() {
        return new QueueState(
                type,
                maxsize,
                size(),
                getters.size(),
                putterCount(),
                joiners.size() + ends.size(),
                unfinished,
                shutDown);
    }

    synchronized int size() {
        return items.size();
    }

    /** Returns whether it is shut down and empty. */
    synchronized boolean isDrained() {
        return shutDown && items.size() == 0;
    }

    synchronized boolean isFull() {
        return !hasRoom();
    }

    synchronized List<Suspension<?>> waiters() {
        List<Suspension<?>> all = new ArrayList<>(getters.snapshot());
        all.addAll(waitingPutters());
        all.addAll(joiners.snapshot());
        return all;
    }

    @Override
    String describe() {
        return state().describe();
    }

    @Override
    public String toString() {
        List<T> items;
        synchronized (this) {
            items = this.items.snapshot();
        }
        String listed = items.isEmpty() ? "" : "items=" + Log.text(items); // calls the items' toString
        return state().text(listed);
    }
}
