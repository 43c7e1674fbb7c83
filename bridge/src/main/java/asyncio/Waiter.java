package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * One who waits for a {@link Future}: linked into it until told or removed. When the Future completes, the waiter
 * itself becomes the one entry in the ready queue, so that a completion costs no allocation and no second tick.
 */
abstract class Waiter implements Runnable {
    /** Links of {@link WaiterList}, guarded by it. */
    @Nullable Waiter previous;

    @Nullable Waiter next;

    /** Tells the waiter that its Future is done. */
    @Override
    public abstract void run();

    /** Whose loop the waiter resumes on; null for "wherever the Future is completed". */
    abstract @Nullable EventLoop resumesOn();

    /** The loop closed before {@link #run} had its turn; by default it runs now, since nobody may be left hanging. */
    void loopClosed() {
        run();
    }

    /**
     * Arranges for {@link #run}: through the loop's ready queue, or through the trampoline of the completing thread.
     */
    final void resume() {
        EventLoop loop = resumesOn();
        if (loop == null) {
            Trampoline.execute(this);
        } else if (!loop.core.enqueue(this)) {
            Trampoline.execute(this::loopClosed);
        }
    }

    /** The one that {@link #run} tells of the end of a Mono, if it does nothing else. */
    @Nullable CoreSubscriber<?> subscriber() {
        return null;
    }

    /**
     * The one it tells in turn: a task that resumes, a Future that may complete, a subscriber, or clean-up. Null if
     * that cannot be told, or nobody waits. For looking at, from any thread; see {@link Awaiters}.
     */
    @Nullable Object tells() {
        return subscriber();
    }

    /** Whether {@link #run} runs code of this library only, so that it may run on a body's thread. */
    boolean isInternal() {
        return false;
    }
}
