package asyncio.internal.loop;

import java.util.ArrayDeque;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The threads of a loop's bodies: gives each body a thread, runs it there to its end, and passes the loop on. All
 * methods are for the owner of the loop.
 */
final class BodySeats {
    private final Baton baton;
    private final Baton.Passing next;
    private final LoopObserver observer;
    private final String loopName;
    private final ContextLoader contextLoader;
    private final ArrayDeque<PlatformWorker> idleWorkers = new ArrayDeque<>(BodyThreads.MAX_IDLE + 1); // never grows
    private long carried;

    /**
     * Makes the seats of a loop, without threads so far.
     *
     * @param next determines the holder of the loop when a body has ended
     * @param loopName the prefix of the threads' names
     * @param contextLoader the context class loader of the threads
     */
    BodySeats(Baton baton, Baton.Passing next, LoopObserver observer, String loopName, ContextLoader contextLoader) {
        this.baton = baton;
        this.next = next;
        this.observer = observer;
        this.loopName = loopName;
        this.contextLoader = contextLoader;
    }

    static Seat seatOf(Seated body) {
        return Objects.requireNonNull(body.seat(), "a body that has not started");
    }

    // ---- the first step

    /**
     * Gives a body a thread, and hands the loop to it; returns false if the task ended without that. Does not throw.
     *
     * @param eagerCaller the seat that gets the loop when the first step has ended; null for none
     */
    boolean handToFirstStep(Seated body, @Nullable Seat eagerCaller) {
        try {
            return body.mayBegin()
                    && switch (BodyThreads.KIND) {
                        case PLATFORM -> handToPlatform(body, eagerCaller);
                        case VIRTUAL -> handToVirtual(body, eagerCaller);
                        case CARRIER -> handToCarried(body, eagerCaller);
                    };
        } catch (Throwable e) {
            if (!(e instanceof OutOfMemoryError)) {
                baton.failed(e);
            }
            endWith(e, body);
        }
        return false;
    }

    private boolean handToVirtual(Seated body, @Nullable Seat eagerCaller) {
        Memory.need();
        VirtualSeat seat = new VirtualSeat(body);
        seat.thread = BodyThreads.newVirtual(seat);
        seat.setEagerCaller(eagerCaller);
        body.setSeat(seat);
        baton.handToNew(seat);
        return true;
    }

    private boolean handToCarried(Seated body, @Nullable Seat eagerCaller) {
        Memory.need();
        CarriedSeat seat = new CarriedSeat((CarrierBaton) baton, this, body, loopName + "-body-" + ++carried);
        seat.setEagerCaller(eagerCaller);
        body.setSeat(seat);
        baton.handToNew(seat);
        return true;
    }

    private boolean handToPlatform(Seated body, @Nullable Seat eagerCaller) {
        PlatformWorker worker = idleWorkers.poll();
        if (worker != null) {
            worker.next = body;
            worker.setEagerCaller(eagerCaller);
            body.setSeat(worker);
            baton.handTo(worker);
            return true;
        }
        if (!BodyThreads.reservePlatform()) {
            body.endWith(BodyThreads.tooMany(body));
            return false;
        }
        try {
            Memory.need();
            worker = new PlatformWorker();
            worker.next = body;
            worker.thread = BodyThreads.newPlatform(worker, loopName);
            worker.setEagerCaller(eagerCaller);
            body.setSeat(worker);
            baton.handToNew(worker);
            return true;
        } catch (Throwable e) {
            BodyThreads.releasePlatform();
            body.endWith(BodyThreads.cannotStart(body, e.toString()));
            return false;
        }
    }

    // ---- steps

    void stepBegins(Seated body, Seat seat) {
        body.enter();
        if (observer.measures()) {
            seat.stepStart = System.nanoTime();
        }
    }

    void stepEnds(Seated body, Seat seat) {
        body.leave();
        if (seat.stepStart != 0) {
            observer.step(body, System.nanoTime() - seat.stepStart);
            seat.stepStart = 0;
        }
    }

    /** Runs a body to its end, on its thread, which then still holds the loop and will pass it on. Does not throw. */
    void runBody(Seated body, Seat seat) {
        try {
            Memory.need();
            observer.entered();
            stepBegins(body, seat);
            contextLoader.giveTo(Thread.currentThread());
            Error error = body.runBody();
            stepEnds(body, seat);
            if (error != null) {
                baton.failed(error);
            }
        } catch (Throwable e) {
            baton.failed(e);
            endWith(e, body);
        }
    }

    /** Ends a body that has no thread, or no longer has one. */
    private void endWith(Throwable e, Seated body) {
        try {
            body.endWith(e);
        } catch (Throwable again) { // from a waiter that runs on this thread
            baton.failed(again);
        }
    }

    /** Lets the idle threads end; the loop is closing. */
    void close() {
        for (PlatformWorker worker; (worker = idleWorkers.poll()) != null; ) {
            worker.next = null;
            worker.dismiss();
        }
    }

    /** A virtual thread lives for one body, so that it starts without ThreadLocals. */
    private final class VirtualSeat extends Seat implements Runnable {
        private final Seated body;

        VirtualSeat(Seated body) {
            super(true);
            this.body = body;
        }

        @Override
        public void run() {
            awaitGrant();
            runBody(body, this);
            baton.leave(this, takeEagerCaller(), next);
        }
    }

    /**
     * A platform thread serves one body after the other; its ThreadLocals are erased in between, and if that is not
     * possible it ends.
     */
    private final class PlatformWorker extends Seat implements Runnable {
        @Nullable Seated next;

        PlatformWorker() {
            super(false);
        }

        @Override
        public void run() {
            awaitGrant();
            while (next != null) {
                Seat eagerCaller = runNextBody();
                boolean stays = mayStay();
                if (stays) {
                    idleWorkers.push(this);
                } else {
                    BodyThreads.releasePlatform(); // before the loop continues and perhaps needs a thread at once
                }
                baton.leave(this, eagerCaller, BodySeats.this.next);
                if (!stays) {
                    return;
                }
                awaitGrant();
                Thread.interrupted(); // the interrupt was not meant for the next body
            }
            BodyThreads.releasePlatform();
        }

        /** Returns whether this thread may serve another body; it is then like a new one. */
        private boolean mayStay() {
            Thread.interrupted();
            if (baton.isClosing() || idleWorkers.size() >= BodyThreads.MAX_IDLE || !BodyThreads.eraseThreadLocals()) {
                return false;
            }
            try {
                Memory.need();
                observer.entered();
                return true;
            } catch (OutOfMemoryError e) {
                return false;
            }
        }

        /**
         * Runs the body in its own stack frame, so that a thread that waits for its next body does not hold the last
         * one.
         */
        private @Nullable Seat runNextBody() {
            Seated body = Objects.requireNonNull(next);
            next = null;
            runBody(body, this);
            return takeEagerCaller();
        }
    }
}
