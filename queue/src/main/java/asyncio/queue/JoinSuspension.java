package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for all items to be done, or for the queue to be shut down and empty. */
final class JoinSuspension extends Suspension<Void> {
    private final QueueCore<?> core;
    /** Whether it waits for all items to be done. */
    private final boolean joins;

    JoinSuspension(QueueCore<?> core, boolean joins, CoreSubscriber<? super Void> actual, @Nullable EventLoop loop) {
        super(actual, null, loop);
        this.core = core;
        this.joins = joins;
    }

    /** Under the queue's monitor. */
    static List<Suspension<?>> grantAll(WaitQueue<JoinSuspension> watchers) {
        List<Suspension<?>> told = new ArrayList<>();
        for (JoinSuspension watcher; (watcher = watchers.poll()) != null; ) {
            if (watcher.grant()) {
                told.add(watcher);
            }
        }
        return told;
    }

    boolean isStillWaiting() {
        return isWaiting();
    }

    boolean grant() {
        return grant(null);
    }

    @Override
    protected boolean begin() {
        return core.begin(this, joins);
    }

    @Override
    protected void leave() {
        core.leave(this, joins);
    }

    /** There is nothing to give back. */
    @Override
    public void giveBack(@Nullable Void value) {}

    @Override
    protected String target() {
        return (joins ? "all items to be done of " : "the end of ") + core.describe();
    }
}
