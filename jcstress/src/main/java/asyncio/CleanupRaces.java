package asyncio;

import static asyncio.FutureRaces.bit;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.Fixtures.IdleTask;
import asyncio.Fixtures.Probe;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** Work that is requested to end, and the task that waits for it. */
public final class CleanupRaces {
    private CleanupRaces() {}

    /** A subscriber in the chain of a task, which cannot be seen from it. */
    private static CoreSubscriber<Integer> subscriber(Cleanups cleanups) {
        return new InChain(cleanups, null);
    }

    private static final class InChain implements CoreSubscriber<Integer>, Scannable {
        private final Probe<Integer> probe = new Probe<>(false);
        private final Cleanups cleanups;
        /** The end of the chain. */
        private final @Nullable Object actual;

        InChain(Cleanups cleanups, @Nullable Object actual) {
            this.cleanups = cleanups;
            this.actual = actual;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.ACTUAL ? actual : null;
        }

        @Override
        public Context currentContext() {
            return cleanups.context();
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            probe.onSubscribe(subscription);
        }

        @Override
        public void onNext(Integer value) {
            probe.onNext(value);
        }

        @Override
        public void onError(Throwable error) {
            probe.onError(error);
        }

        @Override
        public void onComplete() {
            probe.onComplete();
        }
    }

    @JCStressTest
    @Description(
            "A subscription is cancelled while its work starts: when cancel() returns, the work can be waited for.")
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Cancelled first: it never starts.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "It started, is waited for, and no longer after its end.")
    @Outcome(expect = FORBIDDEN, desc = "It runs behind the back of the task, or the task waits for ever.")
    @State
    public static class StartAndCancel {
        final Cleanups cleanups = new Cleanups(new IdleTask(Context.empty()));
        final IdleTask work = new IdleTask(Context.empty());
        volatile boolean started;
        final OwnerSubscriber<Integer> subscription = new OwnerSubscriber<>(subscriber(cleanups), () -> {
            started = true;
            return work;
        });

        @Actor
        public void start() {
            subscription.request(1);
        }

        @Actor
        public void cancel(III_Result r) {
            subscription.cancel();
            r.r1 = bit(cleanups.rest() != null);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r2 = bit(started);
            work.finishWith(new CancelledException(null));
            r.r3 = bit(cleanups.rest() != null);
        }
    }

    @JCStressTest
    @Description("Two cancel a subscription: when either cancel() returns, the work can be waited for.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "It is waited for, and no longer after its end.")
    @Outcome(expect = FORBIDDEN, desc = "It runs behind the back of the task, or the task waits for ever.")
    @State
    public static class TwoCancel {
        final Cleanups cleanups = new Cleanups(new IdleTask(Context.empty()));
        final IdleTask work = new IdleTask(Context.empty());
        final OwnerSubscriber<Integer> subscription = new OwnerSubscriber<>(subscriber(cleanups), () -> work);

        public TwoCancel() {
            subscription.request(1);
        }

        @Actor
        public void first(III_Result r) {
            subscription.cancel();
            r.r1 = bit(cleanups.rest() != null);
        }

        @Actor
        public void second(III_Result r) {
            subscription.cancel();
            r.r2 = bit(cleanups.rest() != null);
        }

        @Arbiter
        public void look(III_Result r) {
            work.finishWith(new CancelledException(null));
            r.r3 = bit(cleanups.rest() != null);
        }
    }

    @JCStressTest
    @Description("The chain is over for its task while another thread is about to cancel the work: it is waited for.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "It is waited for, and no longer after its end.")
    @Outcome(expect = FORBIDDEN, desc = "It runs behind the back of the task, or the task waits for ever.")
    @State
    public static class OverAndCancel {
        final IdleTask task = new IdleTask(Context.empty());
        final Cleanups cleanups = new Cleanups(task);
        final IdleTask work = new IdleTask(Context.empty());
        final OwnerSubscriber<Integer> subscription = new OwnerSubscriber<>(
                new InChain(cleanups, new WaitSubscriber<>(task, Mono.<Integer>never())), () -> work);

        public OverAndCancel() {
            subscription.request(1);
        }

        @Actor
        public void cancel() {
            subscription.cancel();
        }

        @Actor
        public void resume(II_Result r) {
            r.r1 = bit(cleanups.rest() != null);
        }

        @Arbiter
        public void look(II_Result r) {
            work.finishWith(new CancelledException(null));
            r.r2 = bit(cleanups.rest() != null);
        }
    }

    @JCStressTest
    @Description("Two cancel mapConcurrent while its last Future runs: what runs can be waited for, once.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "It is waited for, and no longer after its end.")
    @Outcome(expect = FORBIDDEN, desc = "It runs behind the back of the task, or the task waits for ever.")
    @State
    public static class TwoCancelMapping {
        final Cleanups cleanups = new Cleanups(new IdleTask(Context.empty()));
        final IdleTask work = new IdleTask(Context.empty());
        final MapConcurrentMain<Integer, Integer> mapping = new MapConcurrentMain<>(
                FluxMapConcurrent.of(Flux.never(), 1, (Integer i) -> (Mono<Integer>) work, true),
                Fixtures.NO_LOOP,
                subscriber(cleanups));

        public TwoCancelMapping() {
            Flux.<Integer>never().subscribe(mapping); // for a subscription; the test takes the source's part
            mapping.request(1);
            mapping.onNext(0);
        }

        @Actor
        public void first(III_Result r) {
            mapping.cancel();
            r.r1 = bit(cleanups.rest() != null);
        }

        @Actor
        public void second(III_Result r) {
            mapping.cancel();
            r.r2 = bit(cleanups.rest() != null);
        }

        @Arbiter
        public void look(III_Result r) {
            work.finishWith(new CancelledException(null));
            r.r3 = bit(cleanups.rest() != null);
        }
    }

    @JCStressTest
    @Description("Work ends while its subscription is cancelled: the task does not wait forever.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "It had ended.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "It was waited for until then.")
    @Outcome(expect = FORBIDDEN, desc = "The task waits for work that has ended.")
    @State
    public static class EndAndCancel {
        final Cleanups cleanups = new Cleanups(new IdleTask(Context.empty()));
        final IdleTask work = new IdleTask(Context.empty());
        final OwnerSubscriber<Integer> subscription = new OwnerSubscriber<>(subscriber(cleanups), () -> work);

        public EndAndCancel() {
            subscription.request(1);
        }

        @Actor
        public void end() {
            work.finishWith(7);
        }

        @Actor
        public void cancel(II_Result r) {
            subscription.cancel();
            r.r1 = bit(cleanups.rest() != null);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r2 = bit(cleanups.rest() != null);
        }
    }

    @JCStressTest
    @Description("A task begins to wait while the last clean-up ends.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Nothing to wait for.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "It waits, and is notified.")
    @Outcome(expect = FORBIDDEN, desc = "It waits forever.")
    @State
    public static class EndAndRest {
        final Cleanups cleanups = new Cleanups(new IdleTask(Context.empty()));
        volatile @Nullable Future<Void> rest;

        public EndAndRest() {
            cleanups.begin();
        }

        @Actor
        public void end() {
            cleanups.end();
        }

        @Actor
        public void waits() {
            rest = cleanups.rest();
        }

        @Arbiter
        public void look(II_Result r) {
            Future<Void> rest = this.rest;
            r.r1 = bit(rest != null);
            r.r2 = bit(rest != null && rest.done());
        }
    }
}
