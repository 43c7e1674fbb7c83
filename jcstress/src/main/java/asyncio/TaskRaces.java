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
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import reactor.util.context.Context;

/** A task that ends, and requests to cancel it or to withdraw that. */
public final class TaskRaces {
    private TaskRaces() {}

    @JCStressTest
    @Description("A task finishes while it is cancelled: cancel() returns false exactly if the result stays.")
    @Outcome(id = "0, 7", expect = ACCEPTABLE, desc = "Too late: the result stays.")
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "Cancelled.")
    @Outcome(expect = FORBIDDEN, desc = "cancel() said one thing, the task did the other.")
    @State
    public static class FinishAndCancel {
        final IdleTask task = new IdleTask(Context.empty());

        @Actor
        public void finish() {
            task.finishWith(7);
        }

        @Actor
        public void cancel(II_Result r) {
            r.r1 = bit(task.cancel());
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = task.cancelled() ? -1 : resultOr0(task);
        }
    }

    @JCStressTest
    @Description("As above; a cancel() that returned false is not counted either.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Refused and not counted.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Accepted and counted.")
    @Outcome(expect = FORBIDDEN, desc = "cancelling() does not count the requests that were accepted.")
    @State
    public static class FinishAndCancelCount {
        final IdleTask task = new IdleTask(Context.empty());

        @Actor
        public void finish() {
            task.finishWith(7);
        }

        @Actor
        public void cancel(II_Result r) {
            r.r1 = bit(task.cancel());
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = task.cancelling();
        }
    }

    @JCStressTest
    @Description(
            "One cancellation is withdrawn while another is requested. Figures: requests counted; whether one is left to deliver.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "The new request stands.")
    @Outcome(expect = FORBIDDEN, desc = "cancel() returned true, is counted, and will never be delivered.")
    @State
    public static class UncancelAndCancel {
        final IdleTask task = new IdleTask(Context.empty());

        public UncancelAndCancel() {
            task.cancel();
        }

        @Actor
        public void uncancel() {
            task.uncancel();
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = task.cancelling();
            r.r2 = bit(task.cancelRequested());
        }
    }

    @JCStressTest
    @Description(
            "A task whose coroutine is lock.acquire() starts, gets the permit without waiting and ends, while it is cancelled. Figures: granted; 1 for a task "
                    + "with the permit as its result, -1 for a cancelled one; given back.")
    @Outcome(id = "0, -1, 0", expect = ACCEPTABLE, desc = "Cancelled before it started.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Ended first: the permit is the task's result.")
    @Outcome(id = "1, -1, 1", expect = ACCEPTABLE, desc = "Granted, then cancelled: given back once.")
    @Outcome(
            id = "1, -1, 0",
            expect = FORBIDDEN,
            desc = "The permit is lost: granted, nobody's result, not given back.")
    @Outcome(expect = FORBIDDEN, desc = "The permit is there twice, or the cancellation is lost.")
    @State
    public static class StartOfMonoTaskAndCancel {
        final Owned source = new Owned(true);
        final MonoTask<Integer> task = new MonoTask<>(NO_LOOP, source, null, Context.empty());

        @Actor
        public void start() {
            task.start();
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = bit(source.granted());
            r.r2 = task.cancelled() ? -1 : resultOr0(task);
            r.r3 = source.givenBack;
        }
    }

    @JCStressTest
    @Description(
            "As above with a suspended task: the loop grants and resumes it while it is cancelled. Last figure: the result of cancel().")
    @Outcome(id = "0, -1, 0, 1", expect = ACCEPTABLE, desc = "Cancelled before the grant.")
    @Outcome(id = "1, 1, 0, 0", expect = ACCEPTABLE, desc = "Ended first: the permit is the task's result.")
    @Outcome(id = "1, -1, 1, 1", expect = ACCEPTABLE, desc = "Granted, then cancelled: given back once.")
    @Outcome(
            id = "1, -1, 0, 1",
            expect = FORBIDDEN,
            desc = "The permit is lost: granted, nobody's result, not given back.")
    @Outcome(expect = FORBIDDEN, desc = "The permit is there twice, or the cancellation is lost.")
    @State
    public static class ResumeOfMonoTaskAndCancel {
        final Owned source = new Owned(false);
        final MonoTask<Integer> task = new MonoTask<>(NO_LOOP, source, null, Context.empty());

        public ResumeOfMonoTaskAndCancel() {
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
