package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * The next to have the loop when a body's thread leaves it: a question to the ready queue, asked by {@link LoopDriver},
 * which changes nothing.
 */
enum NextTurn {
    /** The body that leaves: what it waits for has come, so that its thread keeps the loop. */
    OWN,
    /** Another body, whose wait is over. */
    BODY,
    /** A body that has yet to begin. */
    START,
    /** The thread that leaves: it runs the entry, which is of this library, and looks at the next. */
    INTERNAL,
    /** No thread: the body has resumed without this entry, which is dropped. */
    NOBODY,
    /** A thread that runs callbacks: the entry may be a user's, which must not see the ThreadLocals of a body. */
    DRIVER,
    /** The runner, which alone may block, end the run and close the loop. */
    RUNNER;

    /**
     * The one for whom an entry of the ready queue is.
     *
     * @param own the entry that the leaving body waits for; null if it has ended
     */
    static NextTurn of(Runnable entry, @Nullable Runnable own) {
        if (entry == own) {
            return OWN;
        }
        if (!(entry instanceof Entry known)) {
            return DRIVER;
        }
        Seated body = known.resumes();
        if (body != null) {
            return body.isWaitingFor(known) ? BODY : NOBODY;
        }
        if (known.starts() != null) {
            return START;
        }
        return known.isInternal() ? INTERNAL : DRIVER;
    }

    /**
     * The one for whom the ready queue is empty, or has waited long enough for IO.
     *
     * @param mustReturn the run ends, or has failed
     * @param idle only IO, a timer or another thread can bring the next entry, so that the loop may sleep
     */
    static NextTurn ofNone(boolean mustReturn, boolean idle) {
        return mustReturn || idle ? RUNNER : DRIVER;
    }
}
