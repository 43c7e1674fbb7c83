package asyncio;

import asyncio.internal.loop.TimeHolds;
import reactor.core.Disposable;

/** Returned by {@link EventLoop#holdTime}. */
record HeldTime(TimeHolds.Hold hold) implements Disposable {
    @Override
    public void dispose() {
        hold.release();
    }

    @Override
    public boolean isDisposed() {
        return hold.isReleased();
    }
}
