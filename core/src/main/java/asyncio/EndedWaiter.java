package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;

/** Tells another Future, or whatever it is, that the one that is waited for is done, however it ended. */
final class EndedWaiter extends Waiter {
    private final Runnable tell;
    private final Object told;
    private final boolean isInternal;
    private final @Nullable LoopCore loop;

    /**
     * A waiter that has to be linked in.
     *
     * @param isInternal whether only code of ours is called, which tells its own waiters in its own way
     * @param loop of the one that is waited for
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
