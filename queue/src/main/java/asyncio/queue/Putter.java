package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * A waiter to put an item. It is granted a slot; its item enters when it resumes, and never if it is cancelled before.
 */
class Putter<T> extends Suspension<Void> {
    private final QueueCore<T> core;
    final T item;

    // of a rendezvous; guarded by the queue's monitor

    /** Of the item in the order of all. */
    long place;
    /** Why this ends if the getter that was granted the item gives it back. */
    @Nullable Throwable ending;
    /** The item was taken, or this was cancelled while a getter had it: what becomes of it is told by the getter. */
    boolean isGettersOwn;

    Putter(
            QueueCore<T> core,
            T item,
            CoreSubscriber<? super Void> actual,
            @Nullable Duration limit,
            @Nullable EventLoop loop) {
        super(actual, limit, loop);
        this.core = core;
        this.item = item;
    }

    // ---- under the queue's monitor

    boolean isStillWaiting() {
        return isWaiting();
    }

    /** Grants it a slot; returns the waiter to notify, or null if it no longer waits. */
    @Nullable Suspension<?> admit() {
        return grant(null) ? this : null;
    }

    /** Ends it because the queue is shut down; returns the waiter to notify. */
    @Nullable Suspension<?> refuse(QueueShutDownException error) {
        return fail(error) ? this : null;
    }

    /** It ends with that; whom to tell. */
    @Nullable Suspension<?> refuse(Throwable error) {
        return fail(error) ? this : null;
    }

    /** It was cancelled while a getter had its item, and the getter has given that back; outside the monitor. */
    void notTaken() {}

    // ---- of Suspension

    @Override
    protected boolean begin() {
        return core.begin(this);
    }

    @Override
    protected void leave() {
        core.leave(this);
    }

    @Override
    protected boolean endEarly(Throwable error) {
        return isWaiting() ? core.end(this, error) : endHere(error);
    }

    boolean endHere(Throwable error) {
        return super.endEarly(error);
    }

    /** The getter has resumed with the item. */
    @Override
    protected boolean isIrrevocable() {
        return core.isRendezvous();
    }

    @Override
    public @Nullable Void take(@Nullable Void value) {
        core.enterReserved(item);
        return null;
    }

    @Override
    public void giveBack(@Nullable Void value) {
        core.releaseSlot();
    }

    /** Ignores an error that arrives too late. */
    @Override
    protected void undelivered(@Nullable Void value, @Nullable Throwable error) {
        if (error == null) {
            giveBack(null);
        }
    }

    @Override
    protected String target() {
        return (core.isRendezvous() ? "a getter of " : "room in ") + core.describe();
    }
}
