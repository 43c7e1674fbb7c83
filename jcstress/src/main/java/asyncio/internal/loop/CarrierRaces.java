package asyncio.internal.loop;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * Bodies that the thread of their loop carries, against the only other threads that can reach them: those that unblock,
 * interrupt or unpark a body's thread. One actor is the loop's thread. A body that is never continued stops the test.
 *
 * <p>Before Java 24, or where {@code java.lang} is not open, the result is -1.
 */
public final class CarrierRaces {
    private CarrierRaces() {}

    /** A baton with one actor as its runner, and one body. */
    private abstract static class Loop implements Seated, LoopObserver {
        final @Nullable CarriedSeat body;
        final CarrierBaton baton = new CarrierBaton();

        Loop() {
            BodySeats seats = new BodySeats(baton, own -> toRunner(), this, "races", new ContextLoader());
            body = Carriers.missing() == null ? new CarriedSeat(baton, seats, this, "body") : null;
        }

        final boolean toRunner() {
            baton.handTo(baton.runner);
            return false;
        }

        /** Starts the body, and returns when it has first passed the loop on. */
        final void start(CarriedSeat body) {
            baton.take();
            baton.handToNew(body);
            baton.runner.awaitGrant();
        }

        /** Called by the body: passes the loop on, and returns when it has it again. */
        final void pass() {
            baton.leaveAndReturn(Objects.requireNonNull(body), null, () -> {}, own -> toRunner());
        }

        /** Gives the body another step. */
        final void step(CarriedSeat body) {
            baton.handTo(body);
            baton.runner.awaitGrant();
        }

        @Override
        public @Nullable Seat seat() {
            return body;
        }

        @Override
        public void setSeat(@Nullable Seat seat) {}

        @Override
        public boolean mayBegin() {
            return true;
        }

        @Override
        public boolean isWaitingFor(Runnable entry) {
            return true;
        }

        @Override
        public void enter() {}

        @Override
        public void leave() {}

        @Override
        public void endWith(Throwable e) {
            throw new IllegalStateException(e);
        }

        @Override
        public String getName() {
            return "body";
        }

        @Override
        public void entered() {}

        @Override
        public void failed(Runnable entry, Exception e) {
            throw new IllegalStateException(e);
        }

        @Override
        public void failedAtClose(Object what, RuntimeException e) {
            throw e;
        }

        @Override
        public boolean measures() {
            return false;
        }

        @Override
        public void step(Object what, long nanos) {}

        @Override
        public void io(long nanos) {}

        @Override
        public void late(long nanos) {}
    }

    @JCStressTest
    @Description("A body blocks outside of an await, twice, while another thread unblocks it.")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "It kept the loop, and was continued each time.")
    @Outcome(id = "-1", expect = ACCEPTABLE, desc = "This JVM cannot carry bodies.")
    @Outcome(expect = FORBIDDEN, desc = "The loop came back before the body had ended.")
    @State
    public static class Unblock extends Loop {
        private volatile int unblocked;
        private int steps;

        @Actor
        public void carrier(I_Result r) {
            if (body == null) {
                r.r1 = -1;
                return;
            }
            start(body);
            r.r1 = steps;
        }

        @Override
        public @Nullable Error runBody() {
            for (int i = 1; i <= 2; i++) {
                while (unblocked < i) {
                    LockSupport.park();
                }
                steps++;
            }
            return null;
        }

        @Actor
        public void other() {
            if (body != null) {
                for (int i = 1; i <= 2; i++) {
                    unblocked = i;
                    LockSupport.unpark(body.thread);
                }
            }
        }
    }

    @JCStressTest
    @Description("A body waits in two awaits, while another thread unparks and interrupts it.")
    @Outcome(id = "3, [01]", expect = ACCEPTABLE, desc = "Only the loop continued it; an interrupt stays the body's.")
    @Outcome(id = "-1, 0", expect = ACCEPTABLE, desc = "This JVM cannot carry bodies.")
    @Outcome(expect = FORBIDDEN, desc = "It was continued by the other thread, or not at all.")
    @State
    public static class StrayWakeUps extends Loop {
        private int steps;
        private boolean interrupted;

        @Actor
        public void carrier(II_Result r) {
            if (body == null) {
                r.r1 = -1;
                return;
            }
            start(body);
            boolean byTurns = steps == 1;
            step(body);
            byTurns &= steps == 2;
            step(body);
            r.r1 = byTurns ? steps : -steps;
            r.r2 = Thread.interrupted() ? 2 : interrupted ? 1 : 0;
        }

        @Override
        public @Nullable Error runBody() {
            steps++;
            pass();
            steps++;
            pass();
            steps++;
            interrupted = Thread.currentThread().isInterrupted();
            return null;
        }

        @Actor
        public void other() {
            if (body != null) {
                Thread thread = Objects.requireNonNull(body.thread);
                LockSupport.unpark(thread);
                thread.interrupt();
                LockSupport.unpark(thread);
            }
        }
    }
}
