package asyncio.internal.loop;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The virtual thread of one body, carried by the loop's own thread. While the body waits in an {@code await}, its
 * thread has yielded: neither an interrupt nor a stray {@code unpark} wakes it, and its continuation is ready for the
 * hand-over of the loop.
 *
 * <p>A body that blocks anywhere else keeps the loop: the carrier waits until the body can continue, and runs nothing
 * meanwhile.
 */
final class CarriedSeat extends Seat implements Runnable {
    /**
     * The scheduler of the virtual thread. The JDK also gives it to the virtual threads that the body starts, and to
     * its own that are started for the body; these are passed to the default scheduler, and may outlive the body.
     */
    private static final class Scheduler implements Executor {
        private volatile @Nullable CarriedSeat seat;

        Scheduler(CarriedSeat seat) {
            this.seat = seat;
        }

        @Override
        public void execute(Runnable task) {
            CarriedSeat seat = this.seat;
            if (seat == null || !seat.mayContinue(task)) {
                Carriers.executeElsewhere(task);
            }
        }
    }

    private final Scheduler scheduler = new Scheduler(this);
    private final CarrierBaton baton;
    private final BodySeats seats;
    private final Seated body;
    private final long threadId;
    private volatile @Nullable Thread carrier;
    /** Runs the virtual thread on the current thread until it waits; always the same object. */
    private @Nullable Runnable continuation;
    /** Whether another thread has made the continuation runnable; for a carrier that waits. */
    private volatile boolean runnable;
    /** Whether the carrier itself has: a wait had ended before the body left the carrier for it. */
    private boolean runnableHere;
    /** Whether the body has ended; its thread may not have. */
    private boolean ended;
    /** Whether the carrier was interrupted while it ran the body. */
    private boolean carrierInterrupted;

    CarriedSeat(CarrierBaton baton, BodySeats seats, Seated body, String name) {
        super(true);
        this.baton = baton;
        this.seats = seats;
        this.body = body;
        Thread thread = Carriers.newThread(scheduler, name, this);
        this.thread = thread;
        this.threadId = Carriers.id(thread);
    }

    long threadId() {
        return threadId;
    }

    // ---- on the virtual thread

    @Override
    public void run() {
        seats.runBody(body, this);
        ended = true;
        keepInterrupt();
    }

    /**
     * Yields to the carrier, which runs the current holder of the loop, and returns when this seat holds it again.
     *
     * @throws PinnedException if the thread cannot yield here; then, as after an Error, nothing has happened
     */
    @Override
    @SuppressWarnings("ThreadPriorityCheck") // this class is its scheduler
    void awaitGrant() {
        keepInterrupt();
        Memory.need(); // for the frames of the body
        Thread.yield();
        if (!baton.isHolder(this)) {
            throw new PinnedException();
        }
    }

    /** Remembers the carrier's interrupt, which the JDK clears when the virtual thread leaves the carrier. */
    private void keepInterrupt() {
        Thread carrier = this.carrier;
        if (carrier != null
                && carrier.isInterrupted()
                && !Thread.currentThread().isInterrupted()) {
            carrierInterrupted = true;
        }
    }

    // ---- on any thread

    /**
     * Called when the virtual thread can run: it starts, it has yielded, or it is unblocked.
     *
     * @return false if the task belongs to another thread; the first one is this thread's, which no other code can have
     *     seen before
     */
    private boolean mayContinue(Runnable task) {
        if (continuation == null) {
            continuation = task;
        } else if (continuation != task) {
            return false;
        }
        Thread carrier = this.carrier;
        if (carrier == Thread.currentThread()) {
            runnableHere = true; // not the volatile one: every await comes here
        } else {
            runnable = true;
            LockSupport.unpark(carrier);
        }
        return true;
    }

    // ---- on the carrier

    /**
     * Runs the body on the current thread until it passes the loop on, which it also does when it ends.
     *
     * @return whether the current thread was interrupted meanwhile
     */
    boolean carry() {
        Thread me = Thread.currentThread();
        if (carrier != me) {
            carrier = me;
        }
        Runnable continuation = Objects.requireNonNull(this.continuation);
        boolean interrupted = false;
        continuation.run();
        while (isHere()) { // it has blocked outside an await
            interrupted |= awaitRunnable(continuation);
        }
        if (ended) {
            scheduler.seat = null;
            baton.leave(takeEagerCaller());
        }
        interrupted |= carrierInterrupted;
        carrierInterrupted = false;
        return interrupted;
    }

    private boolean isHere() {
        return ended ? Objects.requireNonNull(thread).isAlive() : baton.isHolder(this);
    }

    /** Continues the body once it can run; returns whether the current thread was interrupted meanwhile. */
    private boolean awaitRunnable(Runnable continuation) {
        runnable = false;
        runnableHere = false;
        continuation.run(); // has no effect, unless the body became runnable before; it may have blocked again
        boolean interrupted = false;
        while (isHere() && !runnable && !runnableHere) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (isHere()) {
            continuation.run();
        }
        return interrupted;
    }
}
