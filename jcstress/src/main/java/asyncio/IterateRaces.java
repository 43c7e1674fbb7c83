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
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.util.context.Context;

/** The items of an {@link AsyncIterator}, racing with getters that ask, leave and close. */
public final class IterateRaces {
    private IterateRaces() {}

    /** A getter; its outcome as bits: 1 an item, 2 the end. */
    private static final class Asker implements CoreSubscriber<Integer> {
        final AtomicInteger got = new AtomicInteger();
        private final Context context;

        Asker(Context context) {
            this.context = context;
        }

        @Override
        public void onSubscribe(Subscription subscription) {}

        @Override
        public void onNext(Integer item) {
            got.addAndGet(1);
        }

        @Override
        public void onError(Throwable error) {
            got.addAndGet(8);
        }

        @Override
        public void onComplete() {
            got.addAndGet(2);
        }

        @Override
        public Context currentContext() {
            return context;
        }
    }

    private abstract static class Iterating {
        final Fixtures.Losses losses = new Fixtures.Losses();
        final IterateSubscriber<Integer> iterator = new IterateSubscriber<>(Flux.never(), 0);
        final Asker first = new Asker(losses.context());
        final NextSuspension<Integer> waiting = new NextSuspension<>(iterator, first);

        /** Returns the outcome of another getter that asks now. */
        final int askAgain() {
            Asker next = new Asker(Context.empty());
            new NextSuspension<>(iterator, next).request(1);
            return next.got.get();
        }
    }

    @JCStressTest
    @Description("An item arrives while its waiter is cancelled. Figures: outcome of that waiter; outcome of the next.")
    @Outcome(id = "3, 0", expect = ACCEPTABLE, desc = "The item came first.")
    @Outcome(id = "0, 3", expect = ACCEPTABLE, desc = "The cancellation came first: the item goes to the next getter.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Cancelled when it had the item.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class ItemAndCancel extends Iterating {
        ItemAndCancel() {
            waiting.request(1);
        }

        @Actor
        public void item() {
            iterator.onNext(1);
        }

        @Actor
        public void cancel() {
            waiting.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = first.got.get();
            r.r2 = askAgain();
        }
    }

    @JCStressTest
    @Description("An item arrives while the iterator is closed. Figures: outcome of the waiter; items discarded; "
            + "outcome of the next getter.")
    @Outcome(id = "3, 0, 2", expect = ACCEPTABLE, desc = "The item came first.")
    @Outcome(id = "2, 1, 2", expect = ACCEPTABLE, desc = "Closed first: the item is discarded.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or a getter waits forever.")
    @State
    public static class ItemAndClose extends Iterating {
        ItemAndClose() {
            waiting.request(1);
        }

        @Actor
        public void item() {
            iterator.onNext(1);
        }

        @Actor
        public void close() {
            iterator.close();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = first.got.get();
            r.r2 = losses.discarded;
            r.r3 = askAgain();
        }
    }

    @JCStressTest
    @Description("A getter asks while the source ends. Figure: 2 if it was told of the end.")
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "It is at the end.")
    @Outcome(expect = FORBIDDEN, desc = "It waits forever.")
    @State
    public static class AskAndEnd extends Iterating {
        @Actor
        public void ask() {
            waiting.request(1);
        }

        @Actor
        public void end() {
            iterator.onComplete();
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = first.got.get();
        }
    }
}
