package asyncio.internal.loop;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The baton of a loop whose bodies are carried by the thread that runs it. A body that passes the loop on yields, and
 * the carrying thread below it then carries the next holder. So there is a single platform thread and no race, and a
 * body that has not yielded yet can take the loop back.
 *
 * <p>A change of body writes as few references as possible, since each costs a barrier of the garbage collector.
 */
final class CarrierBaton extends Baton {
    private static final VarHandle OWNER;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(CarrierBaton.class, "owner", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** The id of the thread that may touch the loop; {@link #NOBODY} while the loop does not run. */
    private volatile long owner = NOBODY;

    private static final long NOBODY = -1; // the id of no thread
    private long carrierId = NOBODY;
    /** The body that holds the loop, or held it last. */
    private @Nullable CarriedSeat body;
    /** Whether {@link #body} holds the loop, rather than the thread that carries it. */
    private boolean carrying;

    /**
     * The seat of the thread that runs the loop. While it waits for the loop, the thread carries the bodies that hold
     * it.
     */
    private final class Carrier extends Seat {
        Carrier() {
            super(true);
        }

        @Override
        void awaitGrant() {
            boolean interrupted = false;
            while (carrying) {
                interrupted |= Thread.interrupted(); // a virtual thread that it carries would clear it
                interrupted |= Objects.requireNonNull(body).carry();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    Seat newRunner() {
        return new Carrier();
    }

    @Override
    void take() {
        Thread thread = Thread.currentThread();
        runner.thread = thread;
        carrierId = Carriers.id(thread);
        give(runner);
    }

    @Override
    void drop() {
        owner = NOBODY;
    }

    @Override
    boolean isOwner(Thread thread) {
        return Carriers.id(thread) == owner;
    }

    @Override
    Seat holder() {
        return carrying ? Objects.requireNonNull(body) : runner;
    }

    boolean isHolder(CarriedSeat seat) {
        return carrying && body == seat;
    }

    private void give(Seat seat) {
        if (seat instanceof CarriedSeat next) {
            if (body != next) {
                body = next;
            }
            carrying = true;
            OWNER.setRelease(this, next.threadId());
        } else {
            carrying = false;
            OWNER.setRelease(this, carrierId);
        }
    }

    @Override
    void handTo(Seat seat, @Nullable Runnable takeEntry) {
        if (takeEntry != null) {
            takeEntry.run();
        }
        progressed();
        give(seat);
    }

    @Override
    void handToNew(Seat seat) {
        Seat before = holder();
        progressed();
        give(seat);
        try {
            Memory.need();
            Objects.requireNonNull(seat.thread).start();
        } catch (Throwable e) {
            give(before);
            throw e;
        }
    }

    @Override
    void takeBack(Seat seat) {
        give(seat);
    }

    /**
     * {@inheritDoc}
     *
     * @throws PinnedException if the body cannot be suspended here; it still holds the loop, as it does after an Error,
     *     which may be lack of memory for its stack, or lack of stack for the call
     */
    @Override
    void leaveAndReturn(Seat seat, @Nullable Seat eagerCaller, Runnable own, Passing next) {
        try {
            if (eagerCaller != null) {
                handTo(eagerCaller);
            } else if (next.passOn(own)) {
                return;
            }
        } catch (Throwable e) {
            failed(e);
            handTo(eagerCaller == null ? runner : eagerCaller);
        }
        try {
            seat.awaitGrant();
        } catch (PinnedException | OutOfMemoryError | StackOverflowError e) {
            takeBack(seat);
            seat.setEagerCaller(eagerCaller);
            throw e;
        }
    }

    /** Passes the loop on from a body that has ended; on the carrier. */
    void leave(@Nullable Seat eagerCaller) {
        body = null;
        handTo(eagerCaller == null ? runner : eagerCaller);
    }

    @Override
    @Nullable Thread holderThread() {
        CarriedSeat body = this.body;
        return carrying && body != null ? body.thread : runner.thread;
    }

    /** Never true: a body that holds the loop runs at once. */
    @Override
    boolean unclaimed() {
        return false;
    }
}
