package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * A waiter for a {@link Future}: linked into it until told or removed. When the Future completes, the waiter itself
 * becomes the one entry in the ready queue, so that a completion costs no allocation and no second tick.
 */
abstract class Waiter extends Entry {
    /** Links of {@link WaiterList}, guarded by it. */
    @Nullable Waiter previous;

    @Nullable Waiter next;

    /** Tells the waiter that its Future is done. */
    @Override
    public abstract void run();

    /** The loop on which the waiter resumes; null for "wherever the Future is completed". */
    abstract @Nullable LoopCore resumesOn();

    /** The loop closed before {@link #run} had its turn; by default it runs now, since nobody may be left hanging. */
    @Override
    protected void loopClosed() {
        run();
    }

    /** The user's callback that it calls, by which it can be found. */
    @Nullable Object callback() {
        return null;
    }

    /**
     * Arranges for {@link #run}: through the loop's ready queue, or through the trampoline of the completing thread.
     */
    final void resume() {
        LoopCore loop = resumesOn();
        if (loop == null) {
            Trampoline.execute(this);
        } else if (!loop.enqueue(this)) {
            Trampoline.execute(this::loopClosed);
        }
    }

    /** The one that {@link #run} tells of the end of a Mono, if it does nothing else. */
    @Nullable CoreSubscriber<?> subscriber() {
        return null;
    }

    /**
     * The one it tells in turn: a task that resumes, a Future that may complete, a subscriber, or clean-up. Null if
     * that cannot be told, or nobody waits. For looking at, from any thread; see {@link TaskDump}.
     */
    @Nullable Object tells() {
        return subscriber();
    }

    @Override
    protected final @Nullable Object signals() {
        return subscriber();
    }

    @Override
    protected final boolean link(@Nullable Entry next) {
        this.next = (Waiter) next;
        return true;
    }

    @Override
    protected final @Nullable Entry linked() {
        return next;
    }
}
