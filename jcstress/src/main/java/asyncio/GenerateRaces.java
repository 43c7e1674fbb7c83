package asyncio;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;

/** An emit that waits for demand, racing with the subscriber's requests and its cancellation. */
public final class GenerateRaces {
    private GenerateRaces() {}

    private abstract static class Emitting {
        final GenerateSubscription<Integer> generation =
                new GenerateSubscription<>(emitter -> {}, Fixtures.NO_LOOP, new BaseSubscriber<Integer>() {
                    @Override
                    protected void hookOnSubscribe(Subscription subscription) {}

                    @Override
                    protected void hookOnError(Throwable error) {
                        // the loop is closed
                    }
                });
        final Waiting waiting = new Waiting();
        final Suspension<Void> demand;

        Emitting() {
            generation.request(1);
            generation.deliver(1, null);
            demand = generation.demand(waiting);
        }
    }

    /** A waiter for demand: 1 when there is some, -1 when cancelled, 0 until then, 9 if notified twice. */
    private static final class Waiting implements CoreSubscriber<Void> {
        private final AtomicInteger outcome = new AtomicInteger();

        int outcome() {
            return outcome.get();
        }

        @Override
        public void onSubscribe(Subscription subscription) {}

        @Override
        public void onNext(Void none) {}

        @Override
        public void onError(Throwable error) {
            outcome.set(outcome.compareAndSet(0, -1) ? -1 : 9);
        }

        @Override
        public void onComplete() {
            outcome.set(outcome.compareAndSet(0, 1) ? 1 : 9);
        }
    }

    @JCStressTest
    @Description("An emit begins to wait while the subscriber requests an item. Figure: 1 if the emit was notified.")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "One of the two saw the other.")
    @Outcome(expect = FORBIDDEN, desc = "The request was missed: the generator waits forever.")
    @State
    public static class SuspendAndRequest extends Emitting {
        @Actor
        public void suspend() {
            demand.request(1);
        }

        @Actor
        public void request() {
            generation.request(1);
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = waiting.outcome();
        }
    }

    @JCStressTest
    @Description("An emit begins to wait while the subscription is cancelled. Figure: -1 if the emit was notified.")
    @Outcome(id = "-1", expect = ACCEPTABLE, desc = "One of the two saw the other.")
    @Outcome(expect = FORBIDDEN, desc = "The cancellation was missed: the generator waits forever.")
    @State
    public static class SuspendAndCancel extends Emitting {
        @Actor
        public void suspend() {
            demand.request(1);
        }

        @Actor
        public void cancel() {
            generation.cancel();
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = waiting.outcome();
        }
    }

    @JCStressTest
    @Description(
            "A subscriber requests on one thread and cancels on another while an emit waits. Figures: its outcome; "
                    + "whether a later emit is told of the cancellation.")
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "The request won.")
    @Outcome(id = "-1, -1", expect = ACCEPTABLE, desc = "The cancellation won.")
    @Outcome(expect = FORBIDDEN, desc = "It was not resumed, or the cancellation is lost.")
    @State
    public static class RequestAndCancel extends Emitting {
        RequestAndCancel() {
            demand.request(1);
        }

        @Actor
        public void request() {
            generation.request(1);
        }

        @Actor
        public void cancel() {
            generation.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = waiting.outcome();
            Waiting next = new Waiting();
            generation.demand(next).request(1);
            r.r2 = next.outcome();
        }
    }
}
