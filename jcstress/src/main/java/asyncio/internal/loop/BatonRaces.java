package asyncio.internal.loop;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.locks.LockSupport;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * The hand-over of a loop, without a loop and without tasks: one actor runs it, the other is a body or the helper. They
 * count in a plain field, which only the owner touches: it shows a lost or double grant, and a write that the next
 * owner does not see. A thread that is never woken stops the test.
 */
public final class BatonRaces {
    private BatonRaces() {}

    /** A baton with one actor as its runner and a seat for the other. */
    private abstract static class Loop {
        final Baton baton = new Baton();
        final Seat other = new Seat(true); // it parks immediately
        /** Touched only by the owner. */
        int steps;

        /** Called by the actor with the other seat: waits for the loop. */
        final void sit() {
            other.thread = Thread.currentThread();
            other.awaitGrant();
        }

        /** Called by the runner, which takes the loop, and has a thread to hand it to. */
        final void run() {
            baton.take();
            while (other.thread == null) {
                Thread.onSpinWait();
            }
        }

        final boolean toRunner() {
            baton.handTo(baton.runner);
            return false;
        }

        final boolean isMine() {
            return baton.isOwner(Thread.currentThread());
        }
    }

    @JCStressTest
    @Description("A body leaves the loop to the runner and gets it back, twice.")
    @Outcome(id = "1, 5, 5", expect = ACCEPTABLE, desc = "By turns.")
    @Outcome(expect = FORBIDDEN, desc = "Both had it at the same time, or one did not see the other's writes.")
    @State
    public static class ThereAndBack extends Loop {
        @Actor
        public void runner(III_Result r) {
            run();
            r.r1 = ++steps;
            for (int i = 0; i < 2; i++) {
                baton.handTo(other);
                baton.runner.awaitGrant();
                steps++;
            }
            r.r2 = isMine() ? steps : -1;
        }

        @Actor
        public void body() {
            sit();
            steps++;
            baton.leaveAndReturn(other, null, () -> {}, own -> toRunner());
            steps++;
            baton.leave(other, null, own -> toRunner());
        }

        @Arbiter
        public void look(III_Result r) {
            r.r3 = steps;
        }
    }

    @JCStressTest
    @Description("A body takes its first step while the runner waits for it, then waits for its second.")
    @Outcome(id = "2, 4", expect = ACCEPTABLE, desc = "One step, and back immediately.")
    @Outcome(expect = FORBIDDEN, desc = "The loop did not return to the waiting runner.")
    @State
    public static class EagerThereAndBack extends Loop {
        @Actor
        public void runner(II_Result r) {
            run();
            steps++;
            other.setEagerCaller(baton.holder());
            baton.handTo(other);
            baton.runner.awaitGrant();
            r.r1 = isMine() ? steps : -1;
            steps++;
            baton.handTo(other);
            baton.runner.awaitGrant();
            r.r2 = isMine() ? steps : -1;
        }

        @Actor
        public void body() {
            sit();
            steps++;
            baton.leaveAndReturn(other, other.takeEagerCaller(), () -> {}, own -> {
                steps = -100; // the queue must not be asked
                return toRunner();
            });
            steps++;
            baton.leave(other, other.takeEagerCaller(), own -> toRunner());
        }
    }

    @JCStressTest
    @Description("The helper hands the loop to the runner, which closes it and lets the helper go.")
    @Outcome(id = "true, true", expect = ACCEPTABLE, desc = "The helper learns that it does not have the loop.")
    @Outcome(expect = FORBIDDEN, desc = "The helper believes that it drives, or the runner that it does not.")
    @State
    public static class HandOverAndClose extends Loop {
        @Actor
        public void runner(ZZ_Result r) {
            run();
            baton.handTo(other);
            baton.runner.awaitGrant();
            baton.close();
            r.r1 = isMine();
            other.dismiss();
        }

        @Actor
        public void helper(ZZ_Result r) {
            sit();
            baton.handTo(baton.runner);
            other.awaitGrant();
            r.r2 = baton.isClosing() && baton.mustReturn() && !isMine();
        }
    }

    @JCStressTest
    @Description("No thread can be started for a body while the watchdog checks whether it has taken the loop.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "The starter has the loop; the watchdog has seen nothing.")
    @Outcome(
            id = "1, 1",
            expect = ACCEPTABLE,
            desc = "It has seen the body meant to get the loop, and unparked no thread.")
    @Outcome(expect = FORBIDDEN, desc = "The loop was lost with the thread.")
    @State
    public static class StartFails extends Loop {
        private final Seat body = new Seat(true);

        {
            body.thread = new Unstartable();
        }

        @Actor
        public void starter(II_Result r) {
            baton.take();
            try {
                baton.handToNew(body);
                r.r1 = -1;
            } catch (OutOfMemoryError e) {
                r.r1 = isMine() && baton.holder() == baton.runner ? 1 : 0;
            }
        }

        @Actor
        public void watchdog(II_Result r) {
            r.r2 = baton.unclaimed() ? 1 : 0;
        }
    }

    /** A thread for which there is no memory. */
    private static final class Unstartable extends Thread {
        @Override
        public synchronized void start() {
            throw new OutOfMemoryError("unable to create native thread");
        }
    }

    @JCStressTest
    @Description("No thread can be started for a body; its starter hands the loop to another waiting body.")
    @Outcome(id = "1, 2", expect = ACCEPTABLE, desc = "The loop continues without that body.")
    @Outcome(expect = FORBIDDEN, desc = "The loop was lost with the thread.")
    @State
    public static class HandOverAfterStartFailed extends Loop {
        private final Seat body = new Seat(true);

        {
            body.thread = new Unstartable();
        }

        @Actor
        public void starter(II_Result r) {
            run();
            r.r1 = ++steps;
            try {
                baton.handToNew(body);
            } catch (OutOfMemoryError e) {
                baton.handTo(other);
            }
        }

        @Actor
        public void next(II_Result r) {
            sit();
            r.r2 = isMine() ? ++steps : -1;
        }
    }

    @JCStressTest
    @Description("A body has no stack left to hand the loop on: the runner gets it without an unpark.")
    @Outcome(id = "2, 3", expect = ACCEPTABLE, desc = "The watchdog has woken the runner, or it had not parked.")
    @Outcome(expect = FORBIDDEN, desc = "The loop was lost, or had two owners.")
    @State
    public static class NoStackAndWatchdog extends Loop {
        @Actor
        public void runner(II_Result r) {
            run();
            steps++;
            Watchdog.watch(baton);
            baton.handTo(other);
            baton.runner.awaitGrant();
            r.r1 = isMine() && baton.mustReturn() ? steps : -1;
            steps++;
            baton.handTo(other);
        }

        @Actor
        public void body(II_Result r) {
            sit();
            steps++;
            baton.leaveAndReturn(other, null, () -> {}, own -> {
                throw new StackOverflowError();
            });
            r.r2 = isMine() ? steps : -1;
        }
    }

    /** Watches the baton of the running test: there is one at a time. */
    private static final class Watchdog extends Thread {
        private static final Watchdog INSTANCE = new Watchdog();
        private static volatile Baton watched = new Baton();

        static {
            INSTANCE.setDaemon(true);
            INSTANCE.start();
        }

        static void watch(Baton baton) {
            watched = baton;
        }

        @Override
        public void run() {
            for (; ; ) {
                watched.unclaimed();
                LockSupport.parkNanos(1_000); // since with two processors there is none for a third thread
            }
        }
    }
}
