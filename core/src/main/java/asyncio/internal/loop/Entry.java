package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/** An entry of the ready queue. The loop runs any {@link Runnable}; of an entry it knows more. */
public abstract class Entry implements Runnable {
    /** Whether {@link #run} runs code of this library only, so that it may run on a body's thread. */
    protected boolean isInternal() {
        return false;
    }

    /** The body whose first step this is. */
    protected @Nullable Seated starts() {
        return null;
    }

    /** The body whose next step this is, unless that {@link Seated#isWaitingFor waits for another} by now. */
    protected @Nullable Seated resumes() {
        return null;
    }

    /** The task of which this is a step, which a seeded schedule may hold back; null for a callback. */
    protected @Nullable Object task() {
        return null;
    }

    /** The subscriber that {@link #run} tells of the end of its Mono, if it does nothing else. */
    protected @Nullable Object signals() {
        return null;
    }

    /**
     * Keeps a link to another entry, for a list that needs no memory; false if this entry has no place for one, since
     * it need not be kept.
     */
    protected boolean link(@Nullable Entry next) {
        return false;
    }

    /** The entry that was given to {@link #link}. */
    protected @Nullable Entry linked() {
        return null;
    }

    /** The loop was closed before {@link #run} had its turn. */
    protected abstract void loopClosed();
}
