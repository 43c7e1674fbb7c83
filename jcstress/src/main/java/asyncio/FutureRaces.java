package asyncio;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.Probe;
import java.util.function.Consumer;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** A {@link Future}: completion, cancellation, and subscribers that come and go in the meantime. */
@SuppressWarnings("NonAtomicVolatileUpdate") // only one thread calls the callbacks of a Future
public final class FutureRaces {
    private FutureRaces() {}

    static int bit(boolean value) {
        return value ? 1 : 0;
    }

    static int resultOr0(Future<Integer> future) {
        Integer result = future.resultOrNull();
        return result == null ? 0 : result;
    }

    @JCStressTest
    @Description("Two complete: one wins, and its result stays.")
    @Outcome(id = "1, 0, 7", expect = ACCEPTABLE, desc = "The first won.")
    @Outcome(id = "0, 1, 8", expect = ACCEPTABLE, desc = "The second won.")
    @Outcome(expect = FORBIDDEN, desc = "Both or none won, or the result is not the winner's.")
    @State
    public static class CompleteAndComplete {
        final Future<Integer> future = new Future<>();

        @Actor
        public void complete(III_Result r) {
            r.r1 = bit(future.trySetResult(7));
        }

        @Actor
        public void completeToo(III_Result r) {
            r.r2 = bit(future.trySetResult(8));
        }

        @Arbiter
        public void look(III_Result r) {
            r.r3 = resultOr0(future);
        }
    }

    @JCStressTest
    @Description("One completes, one cancels: one wins, and the state is the winner's.")
    @Outcome(id = "1, 0, 7", expect = ACCEPTABLE, desc = "Completed.")
    @Outcome(id = "0, 1, -1", expect = ACCEPTABLE, desc = "Cancelled.")
    @Outcome(expect = FORBIDDEN, desc = "Both or none won, or the state is not the winner's.")
    @State
    public static class CompleteAndCancel {
        final Future<Integer> future = new Future<>();

        @Actor
        public void complete(III_Result r) {
            r.r1 = bit(future.trySetResult(7));
        }

        @Actor
        public void cancel(III_Result r) {
            r.r2 = bit(future.cancel());
        }

        @Arbiter
        public void look(III_Result r) {
            r.r3 = future.cancelled() ? -1 : resultOr0(future);
        }
    }

    @JCStressTest
    @Description("A subscriber that comes while the Future completes gets the outcome once.")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "Told once.")
    @Outcome(expect = FORBIDDEN, desc = "Forgotten, or told twice.")
    @State
    public static class CompleteAndSubscribe {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> probe = new Probe<>(true);

        @Actor
        public void complete() {
            future.setResult(1);
        }

        @Actor
        public void subscribe() {
            future.subscribe(probe);
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = probe.outcomes();
        }
    }

    @JCStressTest
    @Description("Two subscribe: the Future's state goes from nothing to one waiter to a list, and none is lost.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Both are told once.")
    @Outcome(expect = FORBIDDEN, desc = "One was forgotten, or told twice.")
    @State
    public static class SubscribeAndSubscribe {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> one = new Probe<>(true);
        final Probe<Integer> other = new Probe<>(true);

        @Actor
        public void subscribe() {
            future.subscribe(one);
        }

        @Actor
        public void subscribeToo() {
            future.subscribe(other);
        }

        @Arbiter
        public void complete(II_Result r) {
            future.setResult(1);
            r.r1 = one.outcomes();
            r.r2 = other.outcomes();
        }
    }

    @JCStressTest
    @Description("A second subscriber turns the only waiter into a list while the Future completes.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Both are told once.")
    @Outcome(expect = FORBIDDEN, desc = "One was forgotten, or told twice.")
    @State
    public static class PromotionAndComplete {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> first = new Probe<>(true);
        final Probe<Integer> second = new Probe<>(true);

        public PromotionAndComplete() {
            future.subscribe(first);
        }

        @Actor
        public void subscribe() {
            future.subscribe(second);
        }

        @Actor
        public void complete() {
            future.setResult(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = first.outcomes();
            r.r2 = second.outcomes();
        }
    }

    @JCStressTest
    @Description(
            "Two subscribe, one after the other, while the Future completes: nothing, one waiter and a list all meet the completion.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Both are told once.")
    @Outcome(expect = FORBIDDEN, desc = "One was forgotten, or told twice.")
    @State
    public static class SubscribeTwiceAndComplete {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> one = new Probe<>(true);
        final Probe<Integer> other = new Probe<>(true);

        @Actor
        public void subscribe() {
            future.subscribe(one);
            future.subscribe(other);
        }

        @Actor
        public void complete() {
            future.setResult(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = one.outcomes();
            r.r2 = other.outcomes();
        }
    }

    @JCStressTest
    @Description("The only waiter leaves while a second turns it into a list; then the Future completes.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "The one that left is not notified, the other is notified once.")
    @Outcome(expect = FORBIDDEN, desc = "The one that left was notified, or the other was not.")
    @State
    public static class PromotionAndDetach {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> leaving = new Probe<>(true);
        final Probe<Integer> coming = new Probe<>(true);

        public PromotionAndDetach() {
            future.subscribe(leaving);
        }

        @Actor
        public void subscribe() {
            future.subscribe(coming);
        }

        @Actor
        public void detach() {
            leaving.subscription().cancel();
        }

        @Arbiter
        public void complete(II_Result r) {
            future.setResult(1);
            r.r1 = leaving.outcomes();
            r.r2 = coming.outcomes();
        }
    }

    @JCStressTest
    @Description(
            "A subscription is cancelled while the Future completes: the first to leave REQUESTED wins. First figure: signals that had arrived "
                    + "when cancel() returned; second: signals in the end.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Cancel won: silence for good.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "The signal won and had been delivered.")
    @Outcome(
            id = "2, 1",
            expect = ACCEPTABLE,
            desc = "The signal won; cancel() returned between onNext and onComplete.")
    @Outcome(
            id = {"2, 2", "0, 2"},
            expect = ACCEPTABLE,
            desc = "The value came; cancel() spared the completion.")
    @Outcome(
            id = "0, 1",
            expect = ACCEPTABLE,
            desc = "The signal won and was under way when cancel() returned, which Reactive Streams allows.")
    @Outcome(expect = FORBIDDEN, desc = "A completion without its value, or more than one.")
    @State
    public static class CompleteAndDetach {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> probe = new Probe<>(true);

        public CompleteAndDetach() {
            future.subscribe(probe);
        }

        @Actor
        public void complete() {
            future.setResult(1);
        }

        @Actor
        public void detach(II_Result r) {
            probe.subscription().cancel();
            r.r1 = probe.outcomes();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = probe.outcomes();
        }
    }

    @JCStressTest
    @Description("A subscription is cancelled while it requests: it must not stay behind among the Future's waiters.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "There is no waiter, and none is notified.")
    @Outcome(expect = FORBIDDEN, desc = "The cancelled subscription leaks, or is told.")
    @State
    public static class RequestAndDetach {
        final Future<Integer> future = new Future<>();
        final Probe<Integer> probe = new Probe<>(false);

        public RequestAndDetach() {
            future.subscribe(probe);
        }

        @Actor
        public void request() {
            probe.subscription().request(1);
        }

        @Actor
        public void detach() {
            probe.subscription().cancel();
        }

        @Arbiter
        public void complete(II_Result r) {
            r.r1 = (int) future.inners().count();
            future.setResult(1);
            r.r2 = probe.outcomes();
        }
    }

    @JCStressTest
    @Description("A callback is removed while the Future completes: it is either removed or called.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Removed in time.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Too late: called.")
    @Outcome(expect = FORBIDDEN, desc = "Both or neither.")
    @State
    public static class CompleteAndRemoveCallback {
        final Future<Integer> future = new Future<>();
        volatile int calls;
        final Consumer<Future<Integer>> callback = done -> calls = calls + 1;

        public CompleteAndRemoveCallback() {
            future.addDoneCallback(callback);
        }

        @Actor
        public void remove(II_Result r) {
            r.r1 = future.removeDoneCallback(callback);
        }

        @Actor
        public void complete() {
            future.setResult(1);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = calls;
        }
    }

    @JCStressTest
    @Description("As above with one of two callbacks: the other is called in any case.")
    @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "Removed in time.")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "Too late: called.")
    @Outcome(expect = FORBIDDEN, desc = "Both or neither, or the other was not called once.")
    @State
    public static class CompleteAndRemoveOneOfTwo {
        final Future<Integer> future = new Future<>();
        volatile int calls;
        volatile int otherCalls;
        final Consumer<Future<Integer>> callback = done -> calls = calls + 1;

        public CompleteAndRemoveOneOfTwo() {
            future.addDoneCallback(callback);
            future.addDoneCallback(done -> otherCalls = otherCalls + 1);
        }

        @Actor
        public void remove(III_Result r) {
            r.r1 = future.removeDoneCallback(callback);
        }

        @Actor
        public void complete() {
            future.setResult(1);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r2 = calls;
            r.r3 = otherCalls;
        }
    }
}
