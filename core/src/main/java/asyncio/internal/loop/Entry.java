package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/** An entry of the ready queue. The loop runs any {@link Runnable}; an entry tells it more about the code it runs. */
public abstract class Entry implements Runnable {
    /** Returns whether {@link #run} runs code of this library only, so that it may run on a body's thread. */
    protected boolean isInternal() {
        return false;
    }

    /** Returns the body if this is its first step, otherwise null. */
    protected @Nullable Seated starts() {
        return null;
    }

    /**
     * Returns the body if this is its next step, unless it {@link Seated#isWaitingFor waits for another entry} by now.
     */
    protected @Nullable Seated resumes() {
        return null;
    }

    /** Returns the task if this is one of its steps, which a seeded schedule may delay; null for a callback. */
    protected @Nullable Object task() {
        return null;
    }

    /**
     * Returns the subscriber that {@link #run} signals the end of a Mono to, if it does nothing else; otherwise null.
     */
    protected @Nullable Object signals() {
        return null;
    }

    /**
     * Keeps a link to another entry, for a list that needs no memory; returns false if this entry has no field for it,
     * since it need not be kept.
     */
    protected boolean link(@Nullable Entry next) {
        return false;
    }

    /** Returns the entry that was given to {@link #link}. */
    protected @Nullable Entry linked() {
        return null;
    }

    /** Called if the loop was closed before {@link #run} had its turn. */
    protected abstract void loopClosed();
}
