package asyncio.internal.loop;

import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The right to run a loop, and the hand-over of it from one thread to the next. At most one thread has it, the
 * <em>owner</em>; each thread that may have it sits on a {@link Seat}.
 *
 * <p>The owner gives the loop away by three writes: {@link #holder} says whose turn it is, {@link #owner} who may touch
 * the loop, {@link Seat#granted} lets that thread go. After the second of them the one who gives must not touch the
 * loop.
 *
 * <p><b>Errors of the JVM.</b> The loop is never lost. A {@link StackOverflowError} comes before the loop is given away
 * or after, since no call stands in between; where it comes before, the runner gets the loop by writes alone, and the
 * watchdog wakes it. An {@link OutOfMemoryError} at the start of a thread leaves the loop with the one who tried; at
 * the wake-up of a thread it is left to the watchdog.
 *
 * <p>Everything here is for the owner, but for {@link #isOwner} and what the watchdog asks.
 */
class Baton {
    /*
     * Who may have the loop:
     *
     *             take()                     handTo(helper)
     *   nobody ----------> [ runner ] ----------------------> [ helper ]
     *      ^               |  |    ^  <----------------------  |    ^
     *      |    drop()     |  |    |      handTo(runner)       |    |
     *      +---------------+  |    |                           |    |
     *                         |    |                           |    |
     *       handTo(body), or  |    |  leave: to whoever is     |    |  the same
     *       handToNew(body)   |    |  next; to the runner      |    |
     *                         v    |  if that fails            v    |
     *                        [ body ] <--------------------> [ body ]
     *                                  leave; or eagerly,
     *                                  which comes back at
     *                                  the end of the step
     *
     * How a seat comes to have it:
     *
     *              handToNew(it)             awaitGrant()              leave()
     *   [ new ] ----------------> [ granted ] ----------> [ owner ] ----------> [ ended ]
     *      ^                        |  ^  ^                   |
     *      +------------------------+  |  |                   |
     *      no thread could be started: |  |                   | handTo(another),
     *      the giver is owner still    |  |                   | then awaitGrant()
     *                                  |  |                   |
     *                       handTo(it) |  | the giver has no  |
     *                                  |  | stack left:       |
     *                                  |  | no unpark         |
     *                              [ waiting ] <--------------+
     *
     * The watchdog unparks the thread of a seat that stays granted: unclaimed().
     */

    /** Finds out who is next, and hands the loop to that. */
    interface Passing {
        /**
         * Hands the loop on.
         *
         * @param own the entry that the leaving body waits for; null if it has ended
         * @return true if that is next, so that its thread keeps the loop
         */
        boolean passOn(@Nullable Runnable own);
    }

    /** The seat of the thread that runs the loop, which gets it whenever nobody else can have it. */
    final Seat runner = newRunner();
    /** The thread that may touch the loop; null while the loop does not run. */
    private volatile @Nullable Thread owner;
    /** The seat the loop was handed to last. */
    private volatile Seat holder = runner;

    private volatile boolean closing;
    private @Nullable Error fatal;
    private long progress;

    /** The baton that suits the threads of bodies in this process. */
    static Baton create() {
        return BodyThreads.CARRIED ? new CarrierBaton() : new Baton();
    }

    Seat newRunner() {
        return new Seat(BodyThreads.VIRTUAL);
    }

    // ---- from the runner, and back

    /** The calling thread, which is to run a loop that nobody runs, has it. */
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

    /** Whether a thread has the loop; to be asked on any thread. */
    boolean isOwner(Thread thread) {
        return thread == owner;
    }

    /** The seat that has the loop. */
    Seat holder() {
        return holder;
    }

    // ---- from one thread to another

    /** Hands the loop to a thread that waits for it. */
    void handTo(Seat seat) {
        handTo(seat, null);
    }

    /**
     * As {@link #handTo(Seat)}. No call stands between taking the entry that is to be run and the grant, so that a
     * StackOverflowError can come before or after, but not in between.
     *
     * @param takeEntry takes the entry that resumes the other thread from the ready queue; null if it is out of it
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
            // to wake a virtual thread is to queue it; the loop is its own already, and the watchdog wakes it again
            Thread.onSpinWait();
        }
    }

    /** The loop is this seat's again, whose thread has not let it go. */
    void takeBack(Seat seat) {
        holder.granted = false;
        holder = seat;
        owner = seat.thread;
    }

    /** As {@link #handTo}, to a thread that has not been started; if it cannot be, the caller still has the loop. */
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
     * Hands the loop on from the thread of a body that must wait, and returns when that has it again.
     *
     * @param eagerCaller who waits for the end of this very step, and gets the loop; null if nobody does
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
            // the body recursed to the very end of its stack: nobody may wait for ever, and nothing can be called here
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

    /** As {@link #leaveAndReturn}, from a thread whose body has ended; whatever fails there, somebody gets the loop. */
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

    /** Passing the loop on has failed: if a thread has it still, the run ends, on the thread of the one who runs it. */
    private void keepFrom(Throwable e, Seat seat, @Nullable Seat eagerCaller) {
        if (owner == seat.thread) {
            failed(e);
            handTo(eagerCaller == null ? runner : eagerCaller);
        }
    }

    // ---- the end of a run

    /** Ends the run: code of this library, or a logger, has thrown what nobody expects. */
    void failed(Throwable e) {
        try {
            fatal = e instanceof Error error ? error : new Error("The event loop failed", e);
        } catch (OutOfMemoryError again) {
            fatal = again;
        }
    }

    /** For the runner: throws what has ended the run, if anything has. */
    void throwFatal() {
        Error error = fatal;
        if (error != null) {
            fatal = null;
            throw error;
        }
    }

    /** From now on the loop only goes back to the runner. */
    void close() {
        closing = true;
    }

    /** Whether {@link #close} was called; to be asked on any thread. */
    boolean isClosing() {
        return closing;
    }

    /** Whether only the runner may have the loop next: the run ends, or the loop is being closed. */
    boolean mustReturn() {
        return closing || fatal != null;
    }

    // ---- for the watchdog

    /** Counts a step. */
    void progressed() {
        progress++;
    }

    /** Counts steps and hand-overs; read racily. */
    long progress() {
        return progress;
    }

    /** The thread that has the loop, or ought to have taken it. */
    @Nullable Thread holderThread() {
        return holder.thread;
    }

    /**
     * Whether the loop was handed to a thread that has not taken it; wakes the thread once more, at no cost to one that
     * was woken.
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
