package asyncio;

import static asyncio.Fixtures.NO_LOOP;
import static asyncio.FutureRaces.bit;
import static asyncio.FutureRaces.resultOr0;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.IdleTask;
import asyncio.Fixtures.Owned;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A cancelled scope around a shield, or around a get, and another thread that cancels the task. Setting a shield takes
 * the scope's own request back, and taking it away renews it: neither may touch a request of others.
 */
public final class CancelScopeRaces {
    private CancelScopeRaces() {}

    private static CancelScopeSteps<Integer> cancelledScope(IdleTask task) {
        CancelScopeSteps<Integer> scope = new CancelScopeSteps<>(inside -> Mono.never());
        scope.begin(task);
        scope.end("the scope");
        return scope;
    }

    @JCStressTest
    @Description("A shield keeps off the request of a scope while another thread cancels the task. Figures: requests "
            + "counted; whether one is left to deliver.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "The other thread's request stands, the scope's is kept off.")
    @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "The other thread's request is counted and never delivered.")
    @Outcome(expect = FORBIDDEN, desc = "A request is counted twice, or not at all.")
    @State
    public static class HoldAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final CancelScopeSteps<Integer> scope = cancelledScope(task);

        @Actor
        public void hold() {
            scope.hold();
        }

        @Actor
        public void cancel() {
            task.cancel("the other thread");
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = task.cancelling();
            r.r2 = bit(task.cancelRequested());
        }
    }

    @JCStressTest
    @Description("A shield is taken away while another thread cancels the task. Figures as above.")
    @Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "Both are counted, and one is delivered for both.")
    @Outcome(expect = FORBIDDEN, desc = "A request is lost.")
    @State
    public static class ReleaseAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final CancelScopeSteps<Integer> scope = cancelledScope(task);

        public ReleaseAndCancel() {
            scope.hold();
        }

        @Actor
        public void release() {
            scope.release();
        }

        @Actor
        public void cancel() {
            task.cancel("the other thread");
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = task.cancelling();
            r.r2 = bit(task.cancelRequested());
        }
    }

    @JCStressTest
    @Description("A shield is taken away and set again, with no await in between, while another thread cancels the "
            + "task. Figures as above.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "The other thread's request stands, the scope's is kept off.")
    @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "The other thread's request was taken for the scope's.")
    @Outcome(expect = FORBIDDEN, desc = "A request is counted twice, or not at all.")
    @State
    public static class ReleaseHoldAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final CancelScopeSteps<Integer> scope = cancelledScope(task);

        public ReleaseHoldAndCancel() {
            scope.hold();
        }

        @Actor
        public void releaseAndHold() {
            scope.release();
            scope.hold();
        }

        @Actor
        public void cancel() {
            task.cancel("the other thread");
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = task.cancelling();
            r.r2 = bit(task.cancelRequested());
        }
    }

    @JCStressTest
    @Description("A task that acquires a permit in waitFor resumes with it while another thread cancels the task. "
            + "Figures: granted; 1 for a task with the permit as its result, -1 for a cancelled one; given back; the "
            + "result of cancel().")
    @Outcome(id = "0, -1, 0, 1", expect = ACCEPTABLE, desc = "Cancelled before the grant.")
    @Outcome(id = "1, 1, 0, 0", expect = ACCEPTABLE, desc = "Ended first: the permit is the task's result.")
    @Outcome(id = "1, 1, 0, 1", expect = ACCEPTABLE, desc = "Requested when the permit was taken: too late.")
    @Outcome(id = "1, -1, 1, 1", expect = ACCEPTABLE, desc = "Granted, then cancelled: given back once.")
    @Outcome(
            id = "1, -1, 0, 1",
            expect = FORBIDDEN,
            desc = "The permit is lost: granted, nobody's result, not given back.")
    @Outcome(expect = FORBIDDEN, desc = "The permit is there twice, or the cancellation is lost.")
    @State
    public static class ResumeInWaitForAndCancel {
        final Owned source = new Owned(false);
        final StepTask<Integer> task =
                new StepTask<>(NO_LOOP, source, new TimeLimitSteps<>(source, null, null, false), null, Context.empty());

        public ResumeInWaitForAndCancel() {
            task.start();
        }

        @Actor
        public void grantAndResume() {
            if (source.grant()) {
                task.resume(source.waiter());
            }
        }

        @Actor
        public void cancel(IIII_Result r) {
            r.r4 = bit(task.cancel());
        }

        @Arbiter
        public void look(IIII_Result r) {
            if (!source.granted()) {
                task.resume(source.waiter());
            }
            r.r1 = bit(source.granted());
            r.r2 = task.cancelled() ? -1 : resultOr0(task);
            r.r3 = source.givenBack;
        }
    }
}
