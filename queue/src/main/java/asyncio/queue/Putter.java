package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * A waiter that wants to put an item. It is granted a slot; its item enters when it resumes, and never if it is
 * cancelled before.
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

    /** Grants it a slot; whom to tell, or null if it is no longer waiting. */
    @Nullable Suspension<?> admit() {
        return grant(null) ? this : null;
    }

    /** The queue is shut down; whom to tell. */
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

    /** An error that comes too late is not asked for any more. */
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
