package asyncio.internal.loop;

import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The virtual thread of one body, which the loop's own thread carries. While the body waits in an {@code await}, its
 * thread has yielded: neither an interrupt nor a stray {@code unpark} wakes it, and its continuation is at hand for
 * when the loop is handed to it.
 *
 * <p>A body that blocks anywhere else keeps the loop: the carrier waits until it can be continued, and runs nothing
 * meanwhile.
 */
final class CarriedSeat extends Seat implements Runnable {
    /**
     * The scheduler of the virtual thread. The JDK gives it to the virtual threads that the body starts as well, and to
     * those of its own that are started on the body's behalf: they are the default scheduler's, and may outlive the
     * body.
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
    /** Runs the virtual thread on the current thread until it waits; always the same one. */
    private @Nullable Runnable continuation;
    /** Whether another thread has seen to it that the continuation would do something; for a carrier that waits. */
    private volatile boolean runnable;
    /** The body has ended, but perhaps not its thread. */
    private boolean ended;
    /** The carrier was interrupted while it ran the body. */
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
     * Lets the carrier go on, which runs whoever has the loop now, and returns when this has it again.
     *
     * @throws PinnedException if the thread cannot yield here; nothing has happened then, as after an Error
     */
    @Override
    @SuppressWarnings("ThreadPriorityCheck") // its scheduler is this class
    void awaitGrant() {
        keepInterrupt();
        Memory.need(); // for the frames of the body
        Thread.yield();
        if (!baton.isHolder(this)) {
            throw new PinnedException();
        }
    }

    /** A carrier's interrupt is cleared by the JDK when the virtual thread leaves it. */
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
     * The virtual thread can be continued: it starts, it has yielded, or what it was blocked on has come. A carrier
     * that calls this itself looks anyway.
     *
     * @return false if the task is another thread's; the first one is this one's, which nobody can have seen before
     */
    private boolean mayContinue(Runnable task) {
        if (continuation == null) {
            continuation = task;
        } else if (continuation != task) {
            return false;
        }
        Thread carrier = this.carrier;
        if (carrier != Thread.currentThread()) {
            runnable = true;
            LockSupport.unpark(carrier);
        }
        return true;
    }

    // ---- on the carrier

    /**
     * Runs the body on the current thread until it hands the loop on, or ends, which hands it on as well.
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
        while (isHere()) { // it has blocked outside of an await
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

    /** Continues the body when that can be done; whether the current thread was interrupted meanwhile. */
    private boolean awaitRunnable(Runnable continuation) {
        runnable = false;
        continuation.run(); // does nothing, unless it could be continued before the line above
        boolean interrupted = false;
        while (isHere() && !runnable) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        if (isHere()) {
            continuation.run();
        }
        return interrupted;
    }
}
