package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/** A waiter for an item. */
class Getter<T> extends ItemSuspension<T> implements Told {
    private final QueueCore<T> core;
    /** Whether it ends empty when the queue is shut down, instead of failing. */
    private final boolean emptyAtEnd;

    Getter(
            QueueCore<T> core,
            CoreSubscriber<? super T> actual,
            @Nullable Duration limit,
            boolean emptyAtEnd,
            @Nullable EventLoop loop) {
        super(actual, limit, loop);
        this.core = core;
        this.emptyAtEnd = emptyAtEnd;
    }

    // ---- under the queue's monitor

    boolean isStillWaiting() {
        return isWaiting();
    }

    /** Grants it an item; returns the waiter to notify, or null if it no longer waits. */
    @Nullable Told offer(T item, long place) {
        this.place = place;
        return grant(item) ? this : null;
    }

    /** Returns whether it stays in line after taking an item. */
    boolean wantsMore() {
        return false;
    }

    /** Ends it because the queue is shut down; returns the waiter to notify. */
    @Nullable Suspension<?> refuse(QueueShutDownException error) {
        return (emptyAtEnd ? grant(null) : fail(error)) ? this : null;
    }

    /** Lets go of an item that its putter wants back; false if it does not have it, or is about to resume with it. */
    boolean retract(long place) {
        return false;
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
    public @Nullable T take(@Nullable T value) {
        if (value != null) {
            core.taken(place);
        }
        return value;
    }

    @Override
    public void giveBack(@Nullable T value) {
        if (value != null) {
            core.giveBack(value, place, Context.of(actual().currentContext()));
        }
    }

    @Override
    protected String target() {
        return "an item of " + core.describe();
    }
}
