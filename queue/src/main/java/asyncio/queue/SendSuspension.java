package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * A waiter to send an item. It is granted room in all buffers; its item enters them when it resumes, and never if it is
 * cancelled before.
 */
final class SendSuspension<T> extends Suspension<Void> {
    private final BroadcastCore<T> core;
    private final T item;
    /** Whether it was granted room, which is reserved until it resumes; written before the grant. */
    private boolean reserved;

    SendSuspension(
            BroadcastCore<T> core,
            T item,
            CoreSubscriber<? super Void> actual,
            @Nullable Duration limit,
            @Nullable EventLoop loop) {
        super(actual, limit, loop);
        this.core = core;
        this.item = item;
    }

    // ---- under the broadcast's monitor

    boolean isStillWaiting() {
        return isWaiting();
    }

    /** Grants it room; false if it no longer waits. */
    boolean admit() {
        reserved = true;
        return grant(null);
    }

    boolean refuse(QueueShutDownException error) {
        return fail(error);
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
        if (reserved) {
            core.sendReserved(item);
        }
        return null;
    }

    @Override
    public void giveBack(@Nullable Void value) {
        if (reserved) {
            core.releaseReserved();
        }
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
        return "room in the buffers of " + core;
    }
}
