package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * A waiter for a {@link Future}: linked into it until notified or removed. When the Future completes, the waiter itself
 * becomes the entry in the ready queue, so that a completion costs no allocation and no second tick.
 */
abstract class Waiter extends Entry {
    /** Link of the {@link WaiterList}, guarded by it. */
    @Nullable Waiter previous;

    @Nullable Waiter next;

    /** Notifies the waiter that its Future is done. */
    @Override
    public abstract void run();

    /** Returns the loop on which the waiter resumes; null for the thread that completes the Future. */
    abstract @Nullable LoopCore resumesOn();

    /** Called if the loop closed before {@link #run} had its turn; by default it runs now, so that no waiter hangs. */
    @Override
    protected void loopClosed() {
        run();
    }

    /** Returns the user's callback that it calls, by which it can be found; null if there is none. */
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

    /**
     * Returns the subscriber that {@link #run} signals the end of a Mono to, if it does nothing else; otherwise null.
     */
    @Nullable CoreSubscriber<?> subscriber() {
        return null;
    }

    /**
     * Returns the object it notifies in turn: a task that resumes, a Future that may complete, a subscriber, or
     * clean-up. Null if that is unknown, or if nothing waits. For inspection, from any thread; see {@link TaskDump}.
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
