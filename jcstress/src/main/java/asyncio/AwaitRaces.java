package asyncio;

import static asyncio.FutureRaces.bit;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.Foreign;
import asyncio.Fixtures.IdleTask;
import asyncio.Fixtures.Losses;
import asyncio.Fixtures.Owned;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** A task that awaits: the awaited Mono ends, the task resumes, and another thread cancels it. */
public final class AwaitRaces {
    private AwaitRaces() {}

    /** Suspends a task on a Mono, as {@link BodyTask#awaitMono} does. */
    private static <T> WaitSubscriber<T> suspend(IdleTask task, Mono<T> mono) {
        WaitSubscriber<T> wait = new WaitSubscriber<>(task, mono);
        if (wait.subscribe()) {
            task.suspendOn(wait);
        }
        return wait;
    }

    /** Runs the wait as the body's thread does: 1 for a value, -1 for a CancelledException. */
    private static int resume(IdleTask task, WaitSubscriber<Integer> wait) {
        CancelledException request = task.wakeUp();
        task.cleanupOf(wait, request != null);
        return outcome(wait, request);
    }

    private static int outcome(WaitSubscriber<Integer> wait, @Nullable CancelledException request) {
        try {
            return wait.outcome(request) == null ? 0 : 1;
        } catch (CancelledException e) {
            return -1;
        } catch (Exception e) {
            return -2;
        }
    }

    @JCStressTest
    @Description(
            "A lock grants on one thread, another cancels the task, then the task resumes. Figures: granted; used, or -1 for cancelled; given back.")
    @Outcome(id = "0, -1, 0", expect = ACCEPTABLE, desc = "Cancelled before the grant.")
    @Outcome(id = "1, -1, 1", expect = ACCEPTABLE, desc = "Granted, then cancelled: given back once.")
    @Outcome(expect = FORBIDDEN, desc = "The permit is lost or there twice, or the cancellation is lost.")
    @State
    public static class GrantAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Owned source = new Owned(false);
        final WaitSubscriber<Integer> wait = suspend(task, source);

        @Actor
        public void grant(III_Result r) {
            r.r1 = bit(source.grant());
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void resume(III_Result r) {
            r.r2 = AwaitRaces.resume(task, wait);
            r.r3 = source.givenBack;
        }
    }

    @JCStressTest
    @Description(
            "The loop grants and resumes the task while another thread cancels it. Figures: used, or -1 for cancelled; given back; whether a request "
                    + "is left for the next await.")
    @Outcome(id = "-1, 0, 0", expect = ACCEPTABLE, desc = "Cancelled before the grant.")
    @Outcome(id = "-1, 1, 0", expect = ACCEPTABLE, desc = "Cancelled between grant and resumption: given back once.")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "Resumed first: used; the request meets the next await.")
    @Outcome(expect = FORBIDDEN, desc = "The permit is lost or there twice, or the cancellation is lost.")
    @State
    public static class GrantAndResumeAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Owned source = new Owned(false);
        final WaitSubscriber<Integer> wait = suspend(task, source);

        @Actor
        public void grantAndResume(III_Result r) {
            if (source.grant()) {
                r.r1 = AwaitRaces.resume(task, wait);
            }
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            if (!source.granted()) {
                r.r1 = AwaitRaces.resume(task, wait);
            }
            r.r2 = source.givenBack;
            r.r3 = bit(task.cancelRequested());
        }
    }

    @JCStressTest
    @Description(
            "A task goes to sleep on a lock while another thread cancels it; the lock grants last. Figures: used, or -1; given back; request left.")
    @Outcome(
            id = "-1, 0, 0",
            expect = ACCEPTABLE,
            desc = "The request reached the lock, before or after the task fell asleep.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "The request was missed: the task stays suspended although cancel() returned true.")
    @State
    public static class SuspendAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Owned source = new Owned(false);
        volatile @Nullable WaitSubscriber<Integer> wait;

        @Actor
        public void suspend() {
            wait = AwaitRaces.suspend(task, source);
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void resume(III_Result r) {
            source.grant();
            r.r1 = AwaitRaces.resume(task, Objects.requireNonNull(wait));
            r.r2 = source.givenBack;
            r.r3 = bit(task.cancelRequested());
        }
    }

    @JCStressTest
    @Description(
            "A foreign Mono sends its value on one thread, another cancels the task, then the task resumes. Figures: sent; used, or -1 for cancelled; "
                    + "discarded; dropped.")
    @Outcome(id = "0, -1, 0, 0", expect = ACCEPTABLE, desc = "Disposed before it was sent.")
    @Outcome(id = "1, -1, 1, 0", expect = ACCEPTABLE, desc = "Sent, but the task was cancelled: discarded once.")
    @Outcome(
            id = "1, -1, 0, 1",
            expect = FORBIDDEN,
            desc = "The value went to onNextDropped: no discard hook releases it.")
    @Outcome(expect = FORBIDDEN, desc = "The value is lost or handled twice, or the cancellation is lost.")
    @State
    public static class ForeignValueAndCancel {
        final Losses losses = new Losses();
        final IdleTask task = new IdleTask(losses.context());
        final Foreign source = new Foreign();
        final WaitSubscriber<Integer> wait = suspend(task, source);

        @Actor
        public void send(IIII_Result r) {
            r.r1 = bit(source.send(1));
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void resume(IIII_Result r) {
            r.r2 = AwaitRaces.resume(task, wait);
            r.r3 = losses.discarded;
            r.r4 = losses.dropped;
        }
    }

    @JCStressTest
    @Description(
            "A foreign Mono calls onSubscribe late, while the task is cancelled: the subscription must be cancelled.")
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "Cancelled once.")
    @Outcome(id = "2, -1", expect = ACCEPTABLE, desc = "Cancelled by both sides; a second cancel does nothing.")
    @Outcome(expect = FORBIDDEN, desc = "The subscription keeps running although its value is not needed.")
    @State
    public static class LateSubscriptionAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Foreign source = new Foreign();
        final WaitSubscriber<Integer> wait = suspend(task, new Mono<>() {
            @Override
            public void subscribe(CoreSubscriber<? super Integer> actual) {
                // onSubscribe comes later, from another thread
            }
        });

        @Actor
        public void onSubscribe() {
            wait.onSubscribe(source);
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void resume(II_Result r) {
            r.r2 = AwaitRaces.resume(task, wait);
            r.r1 = source.cancels; // the resuming task disposes
        }
    }

    @JCStressTest
    @Description("Two cancel a task that awaits a foreign Mono: one disposal, one CancelledException, both counted.")
    @Outcome(id = "1, -1, 0, 2", expect = ACCEPTABLE, desc = "The two requests became one cancellation.")
    @Outcome(expect = FORBIDDEN, desc = "Disposed twice, delivered twice, or not counted.")
    @State
    public static class CancelAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Foreign source = new Foreign();
        final WaitSubscriber<Integer> wait = suspend(task, source);

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Actor
        public void cancelToo() {
            task.cancel();
        }

        @Arbiter
        public void resume(IIII_Result r) {
            r.r2 = AwaitRaces.resume(task, wait);
            r.r1 = source.cancels; // the resuming task disposes
            r.r3 = bit(task.cancelRequested());
            r.r4 = task.cancelling();
        }
    }

    @JCStressTest
    @Description(
            "A Future that a task awaits completes while the task is cancelled; then the task resumes. Figures: completed; 1 for the result, -1 for "
                    + "cancelled.")
    @Outcome(id = "0, -1", expect = ACCEPTABLE, desc = "Cancel won: the Future is cancelled, and the task with it.")
    @Outcome(
            id = "1, -1",
            expect = ACCEPTABLE,
            desc = "The Future was completed first; the request is delivered on resumption.")
    @Outcome(expect = FORBIDDEN, desc = "The cancellation is lost.")
    @State
    public static class FutureAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Future<Integer> future = new Future<>();

        public FutureAndCancel() {
            Wait wait = new Wait.OnFuture(task, future);
            future.addWaiter(wait);
            task.suspendOn(wait);
        }

        @Actor
        public void complete(II_Result r) {
            r.r1 = bit(future.trySetResult(1));
        }

        @Actor
        public void cancel() {
            task.cancel();
        }

        @Arbiter
        public void resume(II_Result r) {
            try {
                r.r2 = future.outcome(task.wakeUp()) == null ? 0 : 1;
            } catch (CancelledException e) {
                r.r2 = -1;
            } catch (Exception e) {
                r.r2 = -2;
            }
        }
    }
}
