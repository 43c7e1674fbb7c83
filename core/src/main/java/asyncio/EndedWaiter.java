package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;

/** Completes when a Future is done, however it ended. */
final class EndedWaiter extends Waiter {
    private final Future<?> awaited;
    private final Future<Void> ended;

    private EndedWaiter(Future<?> awaited, Future<Void> ended) {
        this.awaited = awaited;
        this.ended = ended;
    }

    /** A Future of the running loop, whose cancellation leaves the one that is waited for alone. */
    static Future<Void> of(Future<?> awaited) {
        Future<Void> ended = new Future<>();
        EndedWaiter waiter = new EndedWaiter(awaited, ended);
        if (!awaited.addWaiter(waiter)) {
            waiter.run();
        }
        return ended;
    }

    @Override
    public void run() {
        ended.trySetResult(null);
    }

    /** Only a Future of ours is completed here, which tells its own waiters in its own way. */
    @Override
    protected boolean isInternal() {
        return ended.getLoop() != null;
    }

    @Override
    Object tells() {
        return ended;
    }

    @Override
    @Nullable LoopCore resumesOn() {
        return EventLoop.coreOf(awaited.getLoop());
    }
}
