package asyncio;

import static asyncio.QueueRaces.left;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.QueueRaces.Probe;
import asyncio.queue.Queue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import reactor.core.publisher.Flux;

/** A getter and a putter of a rendezvous, one of which is cancelled, or both shut down. */
public final class RendezvousRaces {
    private RendezvousRaces() {}

    @JCStressTest
    @Description("A getter waits, one puts, another cancels the getter. Figures: got, put completed, left.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Put first.")
    @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "Cancelled first: the putter waits on, and is left.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice, or a put completed that nobody took.")
    @State
    public static class PutAndCancelOfGetter {
        final Queue<Integer> queue = Queue.rendezvous();
        final Probe<Integer> getter = Probe.of(queue.get());
        final Probe<Void> putter = new Probe<>();
        volatile int completedBefore;

        @Actor
        public void put() {
            queue.put(1).subscribe(putter);
            completedBefore = putter.completed;
        }

        @Actor
        public void cancel() {
            getter.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = getter.value;
            r.r3 = completedBefore == 0 ? left(queue) : 0;
            r.r2 = putter.completed;
        }
    }

    @JCStressTest
    @Description("A putter waits, one takes the item, another shuts down. Figures: got, put completed, put failed.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Taken first.")
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "Shut down first.")
    @Outcome(expect = FORBIDDEN, desc = "A put that failed has happened, or one that completed has not.")
    @State
    public static class TakeAndShutdown {
        final Queue<Integer> queue = Queue.rendezvous();
        final Probe<Void> putter = Probe.of(queue.put(1));
        final Probe<Integer> getter = new Probe<>();

        @Actor
        public void get() {
            queue.get().subscribe(getter);
        }

        @Actor
        public void shutdown() {
            queue.shutdown();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = getter.value;
            r.r2 = putter.completed;
            r.r3 = putter.failed;
        }
    }

    @JCStressTest
    @Description("A putter waits, two get. Figures: got by one, by the other, put completed.")
    @Outcome(
            id = {"1, 0, 1", "0, 1, 1"},
            expect = ACCEPTABLE,
            desc = "One of them has it.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class TwoGetters {
        final Queue<Integer> queue = Queue.rendezvous();
        final Probe<Void> putter = Probe.of(queue.put(1));
        final Probe<Integer> one = new Probe<>();
        final Probe<Integer> other = new Probe<>();

        @Actor
        public void get() {
            queue.get().subscribe(one);
        }

        @Actor
        public void getToo() {
            queue.get().subscribe(other);
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = one.value;
            r.r2 = other.value;
            r.r3 = putter.completed;
        }
    }

    @JCStressTest
    @Description("putAll waits with its item, one takes that, another cancels. Figures: got, undelivered, left.")
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "Taken first.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class TakeAndCancelOfPutAll {
        volatile int undelivered;
        final Queue<Integer> queue = Queue.rendezvous(item -> undelivered = item);
        final Probe<Void> putter = Probe.of(queue.putAll(Flux.just(1)));
        final Probe<Integer> getter = new Probe<>();

        @Actor
        public void get() {
            queue.get().subscribe(getter);
        }

        @Actor
        public void cancel() {
            putter.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            getter.cancel();
            r.r1 = getter.value;
            r.r2 = undelivered;
            r.r3 = left(queue);
        }
    }
}
