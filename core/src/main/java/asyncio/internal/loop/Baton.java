package asyncio.internal.loop;

import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The right to run a loop, and its hand-over from one thread to the next. At most one thread holds it, the
 * <em>owner</em>; each thread that may hold it has a {@link Seat}.
 *
 * <p>The owner hands the loop over by three writes: {@link #holder} names the seat whose turn it is, {@link #owner} the
 * thread that may touch the loop, and {@link Seat#granted} lets that thread run. After the second write the former
 * owner must not touch the loop.
 *
 * <p><b>Errors of the JVM.</b> The loop is never lost. A {@link StackOverflowError} comes before or after the
 * hand-over, since there is no call within it; if before, the runner gets the loop by writes alone, and the watchdog
 * wakes it. An {@link OutOfMemoryError} at the start of a thread leaves the loop with the caller; at the wake-up of a
 * thread, the wake-up is left to the watchdog.
 *
 * <p>All methods are for the owner, except {@link #isOwner} and those for the watchdog.
 */
class Baton {
    /*
     * The holders of the loop:
     *
     *             take()                     handTo(helper)
     *    none -----------> [ runner ] ----------------------> [ helper ]
     *      ^               |  |    ^  <----------------------  |    ^
     *      |    drop()     |  |    |      handTo(runner)       |    |
     *      +---------------+  |    |                           |    |
     *                         |    |                           |    |
     *       handTo(body), or  |    |  leave: to the next       |    |  the same
     *       handToNew(body)   |    |  seat; to the runner      |    |
     *                         v    |  if that fails            v    |
     *                        [ body ] <--------------------> [ body ]
     *                                  leave; or eagerly,
     *                                  which comes back at
     *                                  the end of the step
     *
     * How a seat gets the loop:
     *
     *              handToNew(it)             awaitGrant()              leave()
     *   [ new ] ----------------> [ granted ] ----------> [ owner ] ----------> [ ended ]
     *      ^                        |  ^  ^                   |
     *      +------------------------+  |  |                   |
     *      no thread could be started: |  |                   | handTo(another),
     *      the giver is still owner    |  |                   | then awaitGrant()
     *                                  |  |                   |
     *                       handTo(it) |  | the giver has no  |
     *                                  |  | stack left:       |
     *                                  |  | no unpark         |
     *                              [ waiting ] <--------------+
     *
     * The watchdog unparks the thread of a seat that stays granted: unclaimed().
     */

    /** Determines the next holder, and hands the loop to it. */
    interface Passing {
        /**
         * Passes the loop on.
         *
         * @param own the entry that the leaving body waits for; null if it has ended
         * @return true if that entry is next, so that its thread keeps the loop
         */
        boolean passOn(@Nullable Runnable own);
    }

    /** The seat of the thread that runs the loop, which gets it whenever no other seat can have it. */
    final Seat runner = newRunner();
    /** The thread that may touch the loop; null while the loop does not run. */
    private volatile @Nullable Thread owner;
    /** The seat that the loop was last handed to. */
    private volatile Seat holder = runner;

    private volatile boolean closing;
    private @Nullable Error fatal;
    private long progress;

    /** Makes a baton for the kind of body threads in this process. */
    static Baton create() {
        return BodyThreads.CARRIED ? new CarrierBaton() : new Baton();
    }

    Seat newRunner() {
        return new Seat(BodyThreads.VIRTUAL);
    }

    // ---- from the runner, and back

    /** Makes the calling thread, which is about to run an idle loop, the owner. */
    void take() {
        Thread thread = Thread.currentThread();
        runner.thread = thread;
        holder = runner;
        owner = thread;
    }

    /** Gives the loop up: no thread owns it any more. */
    void drop() {
        owner = null;
    }

    /** Gives up a loop that is closed, and forgets the thread that ran it. */
    void end() {
        drop();
        holder = runner;
        runner.thread = null;
    }

    /** Returns whether a thread holds the loop; may be called on any thread. */
    boolean isOwner(Thread thread) {
        return thread == owner;
    }

    /** Returns the seat that holds the loop. */
    Seat holder() {
        return holder;
    }

    // ---- from one thread to another

    /** Hands the loop to a thread that waits for it. */
    void handTo(Seat seat) {
        handTo(seat, null);
    }

    /**
     * Like {@link #handTo(Seat)}. There is no call between taking the entry to run and the grant, so that a
     * StackOverflowError can come before or after, but not in between.
     *
     * @param takeEntry takes the entry that resumes the other thread from the ready queue; null if it is already taken
     */
    void handTo(Seat seat, @Nullable Runnable takeEntry) {
        Thread thread = seat.thread;
        if (takeEntry != null) {
            takeEntry.run();
        }
        progress++;
        holder = seat;
        owner = thread;
        seat.granted = true;
        try {
            seat.wake();
        } catch (OutOfMemoryError | RejectedExecutionException e) {
            // waking a virtual thread queues it; it already owns the loop, and the watchdog wakes it again
            Thread.onSpinWait();
        }
    }

    /** Gives the loop back to this seat, whose thread has not left it. */
    void takeBack(Seat seat) {
        holder.granted = false;
        holder = seat;
        owner = seat.thread;
    }

    /**
     * Like {@link #handTo}, to a thread that has not been started; if it cannot be started, the caller keeps the loop.
     */
    void handToNew(Seat seat) {
        Thread before = owner;
        Seat holderBefore = holder;
        Thread thread = Objects.requireNonNull(seat.thread);
        progress++;
        holder = seat;
        owner = thread;
        seat.granted = true;
        try {
            Memory.need();
            thread.start();
        } catch (Throwable e) {
            owner = before;
            holder = holderBefore;
            seat.granted = false;
            throw e;
        }
    }

    /**
     * Passes the loop on from the thread of a body that must wait, and returns when that thread holds it again.
     *
     * @param eagerCaller the seat that waits for the end of this step and gets the loop; null if there is none
     * @param own the entry that the body waits for
     */
    void leaveAndReturn(Seat seat, @Nullable Seat eagerCaller, Runnable own, Passing next) {
        try {
            if (eagerCaller != null) {
                handTo(eagerCaller);
                seat.awaitGrant();
            } else if (!next.passOn(own)) {
                seat.awaitGrant();
            }
        } catch (StackOverflowError e) {
            // the body recursed to the end of its stack: no thread may wait forever, and no method can be called here
            if (owner == seat.thread) {
                Seat heir = eagerCaller == null ? runner : eagerCaller;
                fatal = e;
                holder = heir;
                owner = heir.thread;
                heir.granted = true; // the watchdog does the unpark
            }
            while (!seat.granted) {
                // spins, for the same reason
            }
            seat.granted = false;
        } catch (Throwable e) {
            keepFrom(e, seat, eagerCaller);
            seat.awaitGrant();
        }
    }

    /** Like {@link #leaveAndReturn}, from a thread whose body has ended; a seat gets the loop even if that fails. */
    void leave(Seat seat, @Nullable Seat eagerCaller, Passing next) {
        try {
            if (eagerCaller != null) {
                handTo(eagerCaller);
            } else {
                next.passOn(null);
            }
        } catch (Throwable e) {
            keepFrom(e, seat, eagerCaller);
        }
    }

    /** Ends the run on the runner's thread if passing the loop on has failed and this thread still holds it. */
    private void keepFrom(Throwable e, Seat seat, @Nullable Seat eagerCaller) {
        if (owner == seat.thread) {
            failed(e);
            handTo(eagerCaller == null ? runner : eagerCaller);
        }
    }

    // ---- the end of a run

    /** Ends the run, after an unexpected exception of this library or a logger. */
    void failed(Throwable e) {
        try {
            fatal = e instanceof Error error ? error : new Error("The event loop failed", e);
        } catch (OutOfMemoryError again) {
            fatal = again;
        }
    }

    /** For the runner: throws the error that has ended the run, if any. */
    void throwFatal() {
        Error error = fatal;
        if (error != null) {
            fatal = null;
            throw error;
        }
    }

    /** From now on the loop only returns to the runner. */
    void close() {
        closing = true;
    }

    /** Returns whether {@link #close} was called; may be called on any thread. */
    boolean isClosing() {
        return closing;
    }

    /** Returns whether only the runner may hold the loop next, because the run ends or the loop is being closed. */
    boolean mustReturn() {
        return closing || fatal != null;
    }

    // ---- for the watchdog

    /** Counts a step. */
    void progressed() {
        progress++;
    }

    /** Returns the number of steps and hand-overs; a racy read. */
    long progress() {
        return progress;
    }

    /** Returns the thread that holds the loop, or should have taken it. */
    @Nullable Thread holderThread() {
        return holder.thread;
    }

    /**
     * Returns whether the loop was handed to a thread that has not taken it; wakes the thread once more, which has no
     * effect on one that is awake.
     */
    boolean unclaimed() {
        Seat seat = holder;
        if (!seat.granted) {
            return false;
        }
        seat.wake();
        return true;
    }
}
