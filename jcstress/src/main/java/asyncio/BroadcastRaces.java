package asyncio;

import static asyncio.FutureRaces.bit;
import static java.util.Objects.requireNonNull;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.QueueRaces.Probe;
import asyncio.queue.Broadcast;
import asyncio.queue.BroadcastSubscription;
import asyncio.queue.QueueShutDownException;
import asyncio.queue.Watch;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;

/** Senders, getters and subscribers of a Broadcast, and waiters of a Watch. */
public final class BroadcastRaces {
    private BroadcastRaces() {}

    /** Returns the items that are left, as the digits of a number. */
    static int left(BroadcastSubscription<Integer> subscription) {
        int left = 0;
        try {
            for (Integer item; (item = subscription.tryGet()) != null; ) {
                left = 10 * left + item;
            }
        } catch (QueueShutDownException e) {
            return left;
        }
        return left;
    }

    @JCStressTest
    @Description("Two send to two subscribers. Figures: the items of each.")
    @Outcome(
            id = {"12, 12", "21, 21"},
            expect = ACCEPTABLE,
            desc = "The same order for both.")
    @Outcome(expect = FORBIDDEN, desc = "Two orders, or an item is lost.")
    @State
    public static class TwoSenders {
        final Broadcast<Integer> broadcast = new Broadcast<>();
        final BroadcastSubscription<Integer> one = broadcast.subscribe(2);
        final BroadcastSubscription<Integer> other = broadcast.subscribe(2);

        @Actor
        public void send1() {
            broadcast.send(1).subscribe();
        }

        @Actor
        public void send2() {
            broadcast.send(2).subscribe();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = left(one);
            r.r2 = left(other);
        }
    }

    @JCStressTest
    @Description(
            "A sender waits for room; room is made, and the sender is cancelled. Figures: sent; left; free for another.")
    @Outcome(id = "1, 2, 0", expect = ACCEPTABLE, desc = "Room first: it is sent.")
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "Cancelled first: it is not, and there is room.")
    @Outcome(expect = FORBIDDEN, desc = "Half sent, or the room is lost.")
    @State
    public static class RoomAndCancel {
        final Broadcast<Integer> broadcast = new Broadcast<>();
        final BroadcastSubscription<Integer> subscription = broadcast.subscribe(1);
        final Probe<Void> sender;

        public RoomAndCancel() {
            broadcast.trySend(1);
            sender = Probe.of(broadcast.send(2));
        }

        @Actor
        public void get() {
            subscription.tryGet();
        }

        @Actor
        public void cancel() {
            sender.cancel();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = sender.completed;
            r.r3 = bit(broadcast.trySend(3));
            r.r2 = left(subscription) / (r.r3 == 1 ? 10 : 1);
        }
    }

    /** Keeps its subscription, for actors to request and cancel. */
    static final class Unrequested<T> extends Probe<T> {
        @Nullable Subscription subscription;

        static <T> Unrequested<T> of(Publisher<T> source) {
            Unrequested<T> probe = new Unrequested<>();
            source.subscribe(probe);
            return probe;
        }

        @Override
        public void onSubscribe(Subscription subscription) {
            this.subscription = subscription;
        }

        void request() {
            requireNonNull(subscription).request(1);
        }

        void dispose() {
            requireNonNull(subscription).cancel();
        }
    }

    @JCStressTest
    @Description("A send with room is requested and cancelled. Figures: sent; left.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Requested first.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(expect = FORBIDDEN, desc = "Sent and not told, or told and not sent.")
    @State
    public static class RequestAndCancelOfSend {
        final Broadcast<Integer> broadcast = new Broadcast<>();
        final BroadcastSubscription<Integer> subscription = broadcast.subscribe(1);
        final Unrequested<Void> sender = Unrequested.of(broadcast.send(1));

        @Actor
        public void request() {
            sender.request();
        }

        @Actor
        public void cancel() {
            sender.dispose();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = sender.completed;
            r.r2 = left(subscription);
        }
    }

    @JCStressTest
    @Description("A get of an item that is there is requested and cancelled. Figures: got; left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Requested first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class RequestAndCancelOfGet {
        final Broadcast<Integer> broadcast = new Broadcast<>();
        final BroadcastSubscription<Integer> subscription = broadcast.subscribe(1);
        final Unrequested<Integer> getter;

        public RequestAndCancelOfGet() {
            broadcast.trySend(1);
            getter = Unrequested.of(subscription.get());
        }

        @Actor
        public void request() {
            getter.request();
        }

        @Actor
        public void cancel() {
            getter.dispose();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = getter.value;
            r.r2 = left(subscription);
        }
    }

    @JCStressTest
    @Description("An item is sent to a getter that waits, and is cancelled. Figures: got; left.")
    @Outcome(
            id = {"1, 0", "0, 1"},
            expect = ACCEPTABLE,
            desc = "Got, or still there.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class SendAndCancelOfGetter {
        final Broadcast<Integer> broadcast = new Broadcast<>();
        final BroadcastSubscription<Integer> subscription = broadcast.subscribe(1);
        final Probe<Integer> getter = Probe.of(subscription.get());

        @Actor
        public void send() {
            broadcast.trySend(1);
        }

        @Actor
        public void cancel() {
            getter.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = getter.value;
            r.r2 = left(subscription);
        }
    }

    @JCStressTest
    @Description("The full subscriber leaves while a sender comes. Figures: sent; the items of another.")
    @Outcome(id = "1, 12", expect = ACCEPTABLE, desc = "It is sent, immediately or after a wait.")
    @Outcome(expect = FORBIDDEN, desc = "The sender waits for a subscriber that has left.")
    @State
    public static class LeaveAndSend {
        final Broadcast<Integer> broadcast = new Broadcast<>();
        final BroadcastSubscription<Integer> full = broadcast.subscribe(1);
        final BroadcastSubscription<Integer> other = broadcast.subscribe(2);
        final Probe<Void> sender = new Probe<>();

        public LeaveAndSend() {
            broadcast.trySend(1);
        }

        @Actor
        public void leave() {
            full.close();
        }

        @Actor
        public void send() {
            broadcast.send(2).subscribe(sender);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = sender.completed;
            r.r2 = left(other);
        }
    }

    @JCStressTest
    @Description("A Watch is set while a waiter for a later value comes. Figures: got; ends.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "It has the value.")
    @Outcome(expect = FORBIDDEN, desc = "It has missed it.")
    @State
    public static class SetAndWait {
        final Watch<Integer> watch = new Watch<>(0);
        final Watch.Version<Integer> seen = watch.version();
        final Probe<Integer> probe = new Probe<>();

        @Actor
        public void set() {
            watch.set(1);
        }

        @Actor
        public void await() {
            watch.changed(seen).map(Watch.Version::value).subscribe(probe);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = probe.value;
            r.r2 = probe.completed;
        }
    }
}
