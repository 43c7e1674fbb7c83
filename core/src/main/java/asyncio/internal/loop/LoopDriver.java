package asyncio.internal.loop;

import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Decides which thread runs the loop. Exactly one thread at a time holds it; a body's thread does while its body runs.
 * A body that must wait does not return to a central thread: its own thread looks at the ready queue. If its own
 * wake-up is next, it continues; if another body is next, it hands the loop directly to that one. Only when the loop
 * must poll IO or run a foreign callback does one of two other threads take over:
 *
 * <ul>
 *   <li>the <em>runner</em>, which called {@code runForever}: it may block in select, and runs callbacks;
 *   <li>with bodies on virtual threads, the <em>helper</em>, a virtual thread that runs callbacks and polls without
 *       blocking, since handing the loop to a platform thread and back costs ten times as much.
 * </ul>
 *
 * <p>Callbacks never run on a body's thread, so that they cannot see its ThreadLocals: that thread only runs
 * {@link Entry#isInternal internal} entries.
 */
public final class LoopDriver {
    static {
        Objects.requireNonNull(NextTurn.OWN); // initialized here, not by a body at the end of its stack
    }

    private final LoopCore core;
    private final LoopObserver observer;
    private final Baton baton;
    private final BodySeats bodies;
    private final Baton.Passing passing = this::passOn;
    private final Runnable takeEntry;
    private final @Nullable Helper helper;
    /** The runner or the helper: the one that drives, or waits for the body it handed the loop to. */
    private Seat driving;

    /**
     * Makes a driver for a loop that does not run yet.
     *
     * @param name the prefix of its threads' names
     * @param contextLoader the context class loader of its threads
     */
    public LoopDriver(LoopCore core, LoopObserver observer, String name, ContextLoader contextLoader) {
        this.core = core;
        this.observer = observer;
        this.baton = core.baton;
        this.bodies = new BodySeats(baton, passing, observer, name, contextLoader);
        this.takeEntry = core::poll;
        this.helper = BodyThreads.KIND == BodyThreads.Kind.VIRTUAL ? new Helper() : null;
        this.driving = baton.runner;
    }

    // ---- runner and helper

    /** Runs ticks on the calling thread until one ends with {@code stopping} set. */
    public void run() {
        takeLoop();
        try {
            core.initialize();
            for (boolean ticked = false; ; ) {
                if (core.peek() != null) {
                    runNext(baton.runner);
                } else if (ticked && core.isStopping()) {
                    return;
                } else {
                    beginTick(!core.isStopping());
                    ticked = true;
                }
                baton.throwFatal();
            }
        } finally {
            core.stopped();
            baton.drop();
        }
    }

    /** Runs one tick on the calling thread, with a select that waits for an entry if it may block. */
    public void runOnce(boolean mayBlock) {
        takeLoop();
        try {
            core.initialize();
            if (!mayBlock) {
                core.stopAfterTick(); // so that virtual time does not jump
            }
            core.beginTick(mayBlock && !core.isStopping());
            core.stopAfterTick(); // so that bodies do not begin another one
            baton.progressed();
            baton.throwFatal();
            while (core.peek() != null) {
                runNext(baton.runner);
                baton.throwFatal();
            }
        } finally {
            core.stopped();
            baton.drop();
        }
    }

    private void takeLoop() {
        driving = baton.runner;
        baton.take();
    }

    private void beginTick(boolean mayBlock) {
        if (!core.beginTickWithoutIo()) {
            core.beginTick(mayBlock);
        }
        baton.progressed();
    }

    /** Runs the next entry; if that hands the loop to a body, returns when the loop is back. */
    private void runNext(Seat me) {
        runEntry(core.poll());
        takeBack(me); // not below the entry's frames, which would keep an ended body from being garbage-collected
    }

    /** Waits for the loop if the last entry has handed it to a body, even if it failed after that. */
    private void takeBack(Seat me) {
        if (me.handedOver) {
            me.handedOver = false;
            me.awaitGrant();
            if (driving != me) {
                driving = me;
            }
        }
    }

    private void runEntry(Runnable entry) {
        baton.progressed();
        if (observer.measures()) {
            long start = System.nanoTime();
            tryEntry(entry);
            observer.step(entry, System.nanoTime() - start);
        } else {
            tryEntry(entry);
        }
    }

    private void tryEntry(Runnable entry) {
        try {
            core.runEntry(entry);
        } catch (Exception e) {
            observer.failed(entry, e);
        }
    }

    /** The virtual thread that runs callbacks while bodies are busy. */
    private final class Helper extends Seat implements Runnable {
        private boolean started;

        Helper() {
            super(true);
        }

        /** Hands the loop to the helper, or to the runner if there is no memory for the helper's thread. */
        void startOrGrant() {
            if (!started) {
                try {
                    thread = BodyThreads.newVirtual(this);
                    started = true; // before the loop is handed over
                    baton.handToNew(this);
                } catch (OutOfMemoryError e) {
                    started = false;
                    baton.handTo(baton.runner);
                }
            } else {
                baton.handTo(this);
            }
        }

        void retire() {
            if (started) {
                dismiss();
                thread = null;
            }
        }

        @Override
        public void run() {
            awaitGrant();
            while (!baton.isClosing()) {
                driving = this;
                drive();
                if (baton.isClosing()) {
                    return; // it was waiting for a body when the loop was closed
                }
                driving = baton.runner;
                baton.handTo(baton.runner);
                awaitGrant();
            }
        }

        private void drive() {
            try {
                observer.entered();
                while (!baton.mustReturn() && !core.isStopping()) {
                    if (core.peek() != null) {
                        runNext(this);
                    } else {
                        beginTick(false);
                        if (core.todo() == 0) {
                            return;
                        }
                    }
                }
            } catch (Throwable e) {
                baton.failed(e);
                takeBack(this);
            }
        }
    }

    // ---- bodies

    /** Starts a body from a driving thread; {@link #runNext} waits for the loop to come back. */
    public void startBody(Seated body) {
        Seat me = driving;
        boolean handed = false;
        me.handedOver = true;
        try {
            handed = bodies.handToFirstStep(body, null);
        } finally {
            if (!handed) {
                me.handedOver = false;
            }
        }
    }

    /** Lets a body take its first step while the caller, a body or a driving thread, waits for it. */
    public void startEagerly(Seated body) {
        Seat me = baton.holder();
        if (bodies.handToFirstStep(body, me)) {
            try {
                me.awaitGrant();
            } catch (PinnedException | OutOfMemoryError | StackOverflowError e) {
                startLater(body, me);
            }
        }
    }

    /** Starts a body as if it were not eager, since the caller, a body, cannot leave the loop and still holds it. */
    private void startLater(Seated body, Seat caller) {
        baton.takeBack(caller);
        BodySeats.seatOf(body).setEagerCaller(null);
        core.enqueue(() -> resumeBody(body));
    }

    /** Resumes a body from a driving thread; {@link #runNext} waits for the loop to come back. */
    public void resumeBody(Seated body) {
        driving.handedOver = true;
        baton.handTo(BodySeats.seatOf(body));
    }

    /**
     * Passes the loop from a body that waits to the next holder, and returns when the body holds it again.
     *
     * @throws PinnedException if it cannot be suspended; then, as after an Error, it still holds the loop
     */
    public void suspendBody(Seated body, Runnable wait) {
        Seat seat = BodySeats.seatOf(body);
        bodies.stepEnds(body, seat);
        try {
            baton.leaveAndReturn(seat, seat.takeEagerCaller(), wait, passing);
        } finally {
            bodies.stepBegins(body, seat);
        }
    }

    /** Lets a body run to its end, as Python closes a coroutine: its finally blocks run, but may not await. */
    public void unwind(Seated body) {
        baton.handTo(BodySeats.seatOf(body));
        baton.runner.awaitGrant();
    }

    // ---- the next holder

    /**
     * Passes the loop from a body's thread to the next holder; returns true if {@code own} is next, so that the thread
     * keeps it.
     */
    private boolean passOn(@Nullable Runnable own) {
        for (; ; ) {
            Runnable entry = nextEntry();
            NextTurn next = entry == null ? withoutEntry() : NextTurn.of(entry, own);
            if (next == NextTurn.OWN) {
                core.poll();
                baton.progressed();
                return true;
            }
            if (next == NextTurn.NOBODY) {
                core.poll();
            } else if (next == NextTurn.INTERNAL) {
                baton.progressed();
                runInternal(core.poll());
            } else if (handTo(next, entry)) {
                return false;
            }
        }
    }

    /**
     * Returns the next entry, in a new tick if necessary; null if the loop must return to the runner, or poll first.
     */
    private @Nullable Runnable nextEntry() {
        if (baton.mustReturn()) {
            return null;
        }
        Runnable entry = core.peek();
        return entry != null || core.isStopping() || !core.beginTickWithoutIo() ? entry : core.peek();
    }

    private NextTurn withoutEntry() {
        return NextTurn.ofNone(baton.mustReturn() || core.isStopping(), core.isIdle());
    }

    /** Hands the loop to another thread; returns false if a body was to get a thread but ended without one. */
    private boolean handTo(NextTurn next, @Nullable Runnable entry) {
        if (BodyThreads.CARRIED) {
            baton.handTo(baton.runner); // which takes the entry
        } else if (next == NextTurn.BODY) {
            Entry wait = (Entry) Objects.requireNonNull(entry);
            baton.handTo(BodySeats.seatOf(bodyOf(wait.resumes())), takeEntry);
        } else if (next == NextTurn.START) {
            return bodies.handToFirstStep(bodyOf(((Entry) core.poll()).starts()), null);
        } else if (next == NextTurn.DRIVER && helper != null) {
            helper.startOrGrant();
        } else {
            baton.handTo(baton.runner);
        }
        return true;
    }

    private static Seated bodyOf(@Nullable Seated body) {
        return Objects.requireNonNull(body, "an entry without its body");
    }

    /** Runs an entry on a body's thread. An error of the entry is not the body's, which must still pass the loop on. */
    private void runInternal(Runnable entry) {
        try {
            tryEntry(entry);
        } catch (StackOverflowError e) {
            throw e; // of the body's stack
        } catch (Error e) {
            baton.failed(e);
        }
    }

    // ---- closing

    /**
     * Closes the loop: nothing may run afterwards.
     *
     * @param endTasks ends the suspended tasks, bodies by {@link #unwind}, and returns their first Error
     */
    public void close(Supplier<@Nullable Error> endTasks) {
        takeLoop();
        baton.close();
        Error error = endTasks.get();
        Error late = core.close();
        bodies.close();
        if (helper != null) {
            helper.retire();
        }
        baton.end();
        if (error != null || late != null) {
            throw Objects.requireNonNullElse(error, late);
        }
    }

    /** Returns whether {@link #close} has started, so that no new work may start. */
    public boolean isClosing() {
        return baton.isClosing();
    }

    // ---- watchdog

    /** Returns the number of entries and hand-overs; a racy read. */
    public long progress() {
        return baton.progress();
    }

    /** Returns the thread that holds the loop, or should have taken it. */
    public @Nullable Thread holderThread() {
        return baton.holderThread();
    }

    /** Returns whether the loop was handed to a thread that has not taken it; wakes that thread once more. */
    public boolean unclaimed() {
        return baton.unclaimed();
    }
}
