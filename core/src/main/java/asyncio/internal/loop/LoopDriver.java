package asyncio.internal.loop;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Who runs the loop. Exactly one thread at a time holds it; a body's thread does while its body runs. A body that must
 * wait does not go back to a central thread: its own thread looks at the ready queue, and if its own wake-up is next it
 * simply goes on, if another body is next it hands the loop straight to that. Only when the loop must poll IO or run
 * somebody else's callback does one of two other threads take over:
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
    private final LoopCore core;
    private final LoopObserver observer;
    private final String name;
    private final @Nullable ClassLoader contextClassLoader;
    private final ArrayDeque<PlatformWorker> idleWorkers = new ArrayDeque<>(BodyThreads.MAX_IDLE + 1); // never grows
    private final Seat runner = new Seat(BodyThreads.VIRTUAL);
    private final @Nullable Helper helper;
    /** Of runner and helper, the one that is driving or waits for the body it handed the loop to. */
    private Seat driving = runner;
    /** The seat the loop was handed to last, for the watchdog. */
    private volatile Seat holder = runner;

    private @Nullable Error fatal;
    private volatile boolean closing;
    private long progress;

    /**
     * A driver for a loop that does not run yet.
     *
     * @param name begins the names of its threads
     * @param contextClassLoader of its threads, whichever of them happens to start another
     */
    public LoopDriver(LoopCore core, LoopObserver observer, String name, @Nullable ClassLoader contextClassLoader) {
        this.core = core;
        this.observer = observer;
        this.name = name;
        this.contextClassLoader = contextClassLoader;
        this.helper = BodyThreads.VIRTUAL ? new Helper() : null;
    }

    // ---- runner and helper

    /** Runs ticks on the calling thread until one ends with {@code stopping} set. */
    public void run() {
        takeRunnerSeat();
        try {
            core.initialize();
            for (boolean ticked = false; ; ) {
                if (core.peek() != null) {
                    runNext(runner);
                } else if (ticked && core.isStopping()) {
                    return;
                } else {
                    if (!core.beginTickWithoutIo()) {
                        core.beginTick(!core.isStopping());
                    }
                    progress++;
                    ticked = true;
                }
                throwFatal();
            }
        } finally {
            core.stopped();
            core.owner = null;
        }
    }

    private void takeRunnerSeat() {
        Thread thread = Thread.currentThread();
        runner.thread = thread;
        driving = runner;
        holder = runner;
        core.owner = thread;
    }

    private void throwFatal() {
        Error error = fatal;
        if (error != null) {
            fatal = null;
            throw error;
        }
    }

    /** Runs the next entry; if that hands the loop to a body, returns when the loop is back. */
    private void runNext(Seat me) {
        runEntry(core.poll());
        if (me.handedOver) {
            me.handedOver = false;
            me.awaitGrant(); // not below the entry's frames, which would keep a body that has ended from being
            // collected
            driving = me;
        }
    }

    private void runEntry(Runnable entry) {
        progress++;
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

        /** The runner has the loop instead if there is no memory for a thread. */
        void startOrGrant() {
            if (!started) {
                try {
                    thread = BodyThreads.newVirtual(this);
                    started = true; // before the loop is given away
                    handToNew(this);
                } catch (OutOfMemoryError e) {
                    started = false;
                    handTo(runner);
                }
            } else {
                handTo(this);
            }
        }

        void retire() {
            if (started) {
                dismiss();
            }
        }

        @Override
        public void run() {
            awaitGrant();
            while (!closing) {
                driving = this;
                drive();
                if (closing) {
                    return; // it was waiting for a body when the loop was closed
                }
                driving = runner;
                handTo(runner);
                awaitGrant();
            }
        }

        private void drive() {
            try {
                observer.entered();
                while (!closing && !core.isStopping() && fatal == null) {
                    if (core.peek() != null) {
                        runNext(this);
                    } else {
                        if (!core.beginTickWithoutIo()) {
                            core.beginTick(false);
                        }
                        progress++;
                        if (core.todo() == 0) {
                            return;
                        }
                    }
                }
            } catch (Throwable e) {
                failed(e);
                takeBack(this);
            }
        }
    }

    /** Waits for the loop if the entry that failed had handed it to a body before. */
    private void takeBack(Seat me) {
        if (me.handedOver) {
            me.handedOver = false;
            me.awaitGrant();
            driving = me;
        }
    }

    // ---- handing over

    private void handTo(Seat seat) {
        handTo(seat, false);
    }

    /**
     * After the owner is set the caller must not touch the loop. No call stands between taking the entry that is to be
     * run and the grant, so that a StackOverflowError can come before or after, but not in between.
     */
    private void handTo(Seat seat, boolean takeEntry) {
        Thread thread = seat.thread;
        if (takeEntry) {
            core.poll();
        }
        progress++;
        holder = seat;
        core.owner = thread;
        seat.granted = true;
        try {
            LockSupport.unpark(thread);
        } catch (OutOfMemoryError | RejectedExecutionException e) {
            // to wake a virtual thread is to queue it; the loop is its own already, and the watchdog wakes it again
            Thread.onSpinWait();
        }
    }

    /** As {@link #handTo}, to a thread that has not been started; if it cannot be, the caller still holds the loop. */
    private void handToNew(Seat seat) {
        Thread before = core.owner;
        Seat holderBefore = holder;
        Thread thread = Objects.requireNonNull(seat.thread);
        progress++;
        holder = seat;
        core.owner = thread;
        seat.granted = true;
        try {
            Memory.need();
            thread.start();
        } catch (Throwable e) {
            core.owner = before;
            holder = holderBefore;
            seat.granted = false;
            throw e;
        }
    }

    /** Starts a body from a driving thread; {@link #runNext} waits for the loop to come back. */
    public void startBody(Seated body) {
        Seat me = driving;
        boolean handed = false;
        me.handedOver = true;
        try {
            handed = handToFirstStep(body, null);
        } finally {
            if (!handed) {
                me.handedOver = false;
            }
        }
    }

    /** Lets a body take its first step while the caller, a body itself or a driving thread, waits for that. */
    public void startEagerly(Seated body) {
        Seat me = holder;
        if (handToFirstStep(body, me)) {
            me.awaitGrant();
        }
    }

    /** Resumes a body from a driving thread; {@link #runNext} waits for the loop to come back. */
    public void resumeBody(Seated body) {
        driving.handedOver = true;
        handTo(seatOf(body));
    }

    /** Hands the loop from a body that waits to whoever is next, and returns when the body has it back. */
    public void suspendBody(Seated body, Runnable wait) {
        Seat seat = seatOf(body);
        stepEnds(body, seat);
        Seat caller = seat.takeEagerCaller();
        try {
            if (!leave(caller, wait)) {
                seat.awaitGrant();
            }
        } catch (StackOverflowError e) {
            // the body recursed to the very end of its stack: nobody may wait for ever, and nothing can be called here
            if (core.owner == seat.thread) {
                Seat next = caller == null ? runner : caller;
                fatal = e;
                holder = next;
                core.owner = next.thread;
                next.granted = true; // the watchdog does the unpark
            }
            while (!seat.granted) {
                // spins, for the same reason
            }
            seat.granted = false;
        } catch (Throwable e) {
            keepFrom(e, seat, caller);
            seat.awaitGrant();
        }
        stepBegins(body, seat);
    }

    private static Seat seatOf(Seated body) {
        return Objects.requireNonNull(body.seat(), "a body that has not started");
    }

    /**
     * Hands the loop from a body's thread to the one for whom it took an eager first step, or else on; true as
     * {@link #passOn}.
     */
    private boolean leave(@Nullable Seat eagerCaller, @Nullable Runnable own) {
        if (eagerCaller == null) {
            return passOn(own);
        }
        handTo(eagerCaller);
        return false;
    }

    private void stepBegins(Seated body, Seat seat) {
        body.enter();
        if (observer.measures()) {
            seat.stepStart = System.nanoTime();
        }
    }

    private void stepEnds(Seated body, Seat seat) {
        body.leave();
        if (seat.stepStart != 0) {
            observer.step(body, System.nanoTime() - seat.stepStart);
            seat.stepStart = 0;
        }
    }

    /**
     * Hands the loop from a body's thread to whoever is next; true if that is {@code own}, so that the thread keeps it.
     */
    private boolean passOn(@Nullable Runnable own) {
        for (; ; ) {
            if (closing || fatal != null) {
                handTo(runner);
                return false;
            }
            Runnable entry = core.peek();
            if (entry == null) {
                if (core.isStopping()) {
                    handTo(runner);
                    return false;
                }
                if (!core.beginTickWithoutIo()) {
                    handToDriving(core.isIdle());
                    return false;
                }
                continue;
            }
            if (entry == own) {
                core.poll();
                progress++;
                return true;
            }
            if (!(entry instanceof Entry next)) {
                handToDriving(false);
                return false;
            }
            Seated body = next.resumes();
            if (body != null) {
                if (body.isWaitingFor(next)) {
                    handTo(seatOf(body), true);
                    return false;
                }
                core.poll();
                continue;
            }
            body = next.starts();
            if (body != null) {
                core.poll();
                if (handToFirstStep(body, null)) {
                    return false;
                }
            } else if (next.isInternal()) {
                core.poll();
                progress++;
                runInternal(next);
            } else {
                handToDriving(false);
                return false;
            }
        }
    }

    /** What it throws is not the body's on whose thread it runs; and that must hand the loop on. */
    private void runInternal(Runnable entry) {
        try {
            tryEntry(entry);
        } catch (StackOverflowError e) {
            throw e; // of the body's stack
        } catch (Error e) {
            fatal = e;
        }
    }

    private void handToDriving(boolean mustBlock) {
        if (mustBlock || helper == null) {
            handTo(runner);
        } else {
            helper.startOrGrant();
        }
    }

    // ---- bodies

    /**
     * Gives a body its thread, and that the loop; false if the task ended without either. Throws nothing.
     *
     * @param eagerCaller gets the loop when the first step has ended, if it is there
     */
    private boolean handToFirstStep(Seated body, @Nullable Seat eagerCaller) {
        try {
            return body.mayBegin()
                    && (BodyThreads.VIRTUAL ? handToVirtual(body, eagerCaller) : handToPlatform(body, eagerCaller));
        } catch (Throwable e) {
            if (!(e instanceof OutOfMemoryError)) {
                failed(e);
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
        handToNew(seat);
        return true;
    }

    private boolean handToPlatform(Seated body, @Nullable Seat eagerCaller) {
        PlatformWorker worker = idleWorkers.poll();
        if (worker != null) {
            worker.next = body;
            worker.setEagerCaller(eagerCaller);
            body.setSeat(worker);
            handTo(worker);
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
            worker.thread = BodyThreads.newPlatform(worker, name);
            worker.setEagerCaller(eagerCaller);
            body.setSeat(worker);
            handToNew(worker);
            return true;
        } catch (Throwable e) {
            BodyThreads.releasePlatform();
            body.endWith(BodyThreads.cannotStart(body, e.toString()));
            return false;
        }
    }

    /** A body to its end, on its thread, which still holds the loop afterwards, and will hand it on. Throws nothing. */
    private void runBody(Seated body, Seat seat) {
        try {
            Memory.need();
            observer.entered();
            stepBegins(body, seat);
            Thread.currentThread().setContextClassLoader(contextClassLoader);
            Error error = body.runBody();
            stepEnds(body, seat);
            if (error != null) {
                fatal = error;
            }
        } catch (Throwable e) {
            failed(e);
            endWith(e, body);
        }
    }

    /** Ends a body that has no thread, or no more. */
    private void endWith(Throwable e, Seated body) {
        try {
            body.endWith(e);
        } catch (Throwable again) { // of one who is told on this thread
            failed(again);
        }
    }

    /** Hands the loop on from a thread whose body has ended; whatever fails there, somebody gets it. */
    private void leaveForGood(Seat seat, @Nullable Seat eagerCaller) {
        try {
            leave(eagerCaller, null);
        } catch (Throwable e) {
            keepFrom(e, seat, eagerCaller);
        }
    }

    /** Passing the loop on has failed: if a thread has it still, the run ends, on the thread of the one who runs it. */
    private void keepFrom(Throwable e, Seat seat, @Nullable Seat eagerCaller) {
        if (core.owner == seat.thread) {
            failed(e);
            handTo(eagerCaller == null ? runner : eagerCaller);
        }
    }

    /** Ends the run: code of this library, or a logger, has thrown what nobody expects. */
    private void failed(Throwable e) {
        try {
            fatal = e instanceof Error error ? error : new Error("The event loop failed", e);
        } catch (OutOfMemoryError again) {
            fatal = again;
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
            leaveForGood(this, takeEagerCaller());
        }
    }

    /**
     * A platform thread serves one body after the other; its ThreadLocals are erased in between, or it ends where that
     * is not possible.
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
                    BodyThreads.releasePlatform(); // before the loop goes on, which may want a thread at once
                }
                leaveForGood(this, eagerCaller);
                if (!stays) {
                    return;
                }
                awaitGrant();
                Thread.interrupted(); // it was not meant for the next body
            }
            BodyThreads.releasePlatform();
        }

        /** Whether this thread may serve another body; it is as a new one then. */
        private boolean mayStay() {
            Thread.interrupted();
            if (closing || idleWorkers.size() >= BodyThreads.MAX_IDLE || !BodyThreads.eraseThreadLocals()) {
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

        /** In a frame of its own: the thread that waits for its next body does not hold the last one. */
        private @Nullable Seat runNextBody() {
            Seated body = Objects.requireNonNull(next);
            next = null;
            runBody(body, this);
            return takeEagerCaller();
        }
    }

    // ---- closing

    /**
     * Closes the loop: nothing may run afterwards.
     *
     * @param endTasks ends what is still suspended, bodies by {@link #unwind}; the first Error of theirs
     */
    public void close(Supplier<@Nullable Error> endTasks) {
        takeRunnerSeat();
        closing = true;
        Error error = endTasks.get();
        Error late = core.close();
        for (PlatformWorker worker; (worker = idleWorkers.poll()) != null; ) {
            worker.next = null;
            worker.dismiss();
        }
        if (helper != null) {
            helper.retire();
        }
        core.owner = null;
        if (error != null || late != null) {
            throw Objects.requireNonNullElse(error, late);
        }
    }

    /** Lets a body run to its end, as Python closes a coroutine: its finally blocks run, but may not await. */
    public void unwind(Seated body) {
        handTo(seatOf(body));
        runner.awaitGrant();
    }

    // ---- watchdog

    /** Counts entries and hand-overs; read racily. */
    public long progress() {
        return progress;
    }

    /** The thread that holds the loop, or ought to have taken it. */
    public @Nullable Thread holderThread() {
        return holder.thread;
    }

    /**
     * Whether the loop was handed to a thread that has not taken it; wakes the thread once more, at no cost to one that
     * was woken.
     */
    public boolean unclaimed() {
        Seat seat = holder;
        if (!seat.granted) {
            return false;
        }
        LockSupport.unpark(seat.thread);
        return true;
    }

    /** Whether {@link #close} has begun: nothing new may start. */
    public boolean isClosing() {
        return closing;
    }
}
