package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * The next holder of the loop when a body's thread leaves it. {@link LoopDriver} determines it from the ready queue,
 * without changing that.
 */
enum NextTurn {
    /** The body that leaves: its wait has ended, so that its thread keeps the loop. */
    OWN,
    /** Another body: its wait has ended. */
    BODY,
    /** A body that has not started. */
    START,
    /** The thread that leaves: it runs the entry, which is code of this library, and looks at the next one. */
    INTERNAL,
    /** No thread: the body has resumed without this entry, which is dropped. */
    NOBODY,
    /** A thread that runs callbacks: the entry may be user code, which must not see the ThreadLocals of a body. */
    DRIVER,
    /** The runner, the only thread that may block, end the run and close the loop. */
    RUNNER;

    /**
     * Returns the next holder for an entry of the ready queue.
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
     * Returns the next holder if the ready queue is empty, or IO has waited long enough.
     *
     * @param mustReturn whether the run ends, or has failed
     * @param idle whether only IO, a timer or another thread can bring the next entry, so that the loop may sleep
     */
    static NextTurn ofNone(boolean mustReturn, boolean idle) {
        return mustReturn || idle ? RUNNER : DRIVER;
    }
}
