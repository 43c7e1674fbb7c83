package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;

/** Tells another Future or object that the awaited Future is done, regardless of its outcome. */
final class EndedWaiter extends Waiter {
    private final Runnable tell;
    private final Object told;
    private final boolean isInternal;
    private final @Nullable LoopCore loop;

    /**
     * Creates a waiter that has yet to be added.
     *
     * @param isInternal whether only library code is called, which tells its own waiters itself
     * @param loop the loop of the awaited Future
     */
    EndedWaiter(Runnable tell, Object told, boolean isInternal, @Nullable LoopCore loop) {
        this.tell = tell;
        this.told = told;
        this.isInternal = isInternal;
        this.loop = loop;
    }

    @Override
    public void run() {
        tell.run();
    }

    @Override
    protected boolean isInternal() {
        return isInternal;
    }

    @Override
    Object tells() {
        return told;
    }

    @Override
    @Nullable LoopCore resumesOn() {
        return loop;
    }
}
