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
    private final T item;

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
        return "room in " + core.describe();
    }
}
