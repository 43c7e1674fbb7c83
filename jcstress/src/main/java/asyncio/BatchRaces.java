package asyncio;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import asyncio.QueueRaces.Probe;
import asyncio.queue.Queue;
import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Batches that are completed, cancelled and cut off by a shutdown. Items are digits, a batch is a number. */
public final class BatchRaces {
    private BatchRaces() {}

    /** A batch of two that has its first item. */
    abstract static class HalfFull {
        final Queue<Integer> queue = Queue.unbounded();
        final Probe<Integer> batch;

        HalfFull() {
            queue.putNowait(1);
            batch = Probe.of(queue.getBatch(2, Duration.ofDays(1))
                    .map(items -> items.stream().reduce(0, (number, digit) -> 10 * number + digit)));
        }

        int left() {
            int left = 0;
            for (int item; (item = QueueRaces.left(queue)) != 0; ) {
                left = 10 * left + item;
            }
            return left;
        }
    }

    @JCStressTest
    @Description("The item that completes a batch is put, another thread cancels it. Figures: got, left.")
    @Outcome(id = "12, 0", expect = ACCEPTABLE, desc = "Put first.")
    @Outcome(id = "0, 12", expect = ACCEPTABLE, desc = "Cancelled first: all is left, in order.")
    @Outcome(id = "0, 21", expect = FORBIDDEN, desc = "The order is lost.")
    @Outcome(expect = FORBIDDEN, desc = "An item is lost, or there twice.")
    @State
    public static class CompleteAndCancel extends HalfFull {
        @Actor
        public void put() {
            queue.putNowait(2);
        }

        @Actor
        public void cancel() {
            batch.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = batch.value;
            r.r2 = left();
        }
    }

    @JCStressTest
    @Description("The item that completes a batch is put, another thread puts one too. Figures: got, left.")
    @Outcome(id = "12, 3", expect = ACCEPTABLE, desc = "The 2 came first.")
    @Outcome(id = "13, 2", expect = ACCEPTABLE, desc = "The 3 came first.")
    @Outcome(expect = FORBIDDEN, desc = "An item is lost, or there twice.")
    @State
    public static class TwoPuts extends HalfFull {
        @Actor
        public void put() {
            queue.putNowait(2);
        }

        @Actor
        public void putAnother() {
            queue.putNowait(3);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = batch.value;
            r.r2 = left();
        }
    }

    @JCStressTest
    @Description("The queue is shut down while a batch is cancelled. Figures: got, left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "It got its items.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class ShutdownAndCancel extends HalfFull {
        @Actor
        public void shutdown() {
            queue.shutdown();
        }

        @Actor
        public void cancel() {
            batch.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = batch.value;
            r.r2 = left();
        }
    }

    @JCStressTest
    @Description(
            "The first item of a batch comes while it is cancelled: its timer is not set, or not left. Figure: left.")
    @Outcome(id = "1", expect = ACCEPTABLE, desc = "Back, or never taken.")
    @Outcome(expect = FORBIDDEN, desc = "The item is lost, or there twice.")
    @State
    public static class FirstItemAndCancel {
        final Queue<Integer> queue = Queue.unbounded();
        final Probe<Integer> batch =
                Probe.of(queue.getBatch(2, Duration.ofDays(1)).map(items -> 7));

        @Actor
        public void put() {
            queue.putNowait(1);
        }

        @Actor
        public void cancel() {
            batch.cancel();
        }

        @Arbiter
        public void look(I_Result r) {
            r.r1 = batch.value + QueueRaces.left(queue);
        }
    }
}
