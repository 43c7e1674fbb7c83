package asyncio.sync;

import static asyncio.sync.LockRaces.bit;
import static asyncio.sync.LockRaces.hold;
import static asyncio.sync.LockRaces.subscribe;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Semaphore, Condition, Event and Barrier: wake-ups while waiters come and leave. */
public final class SyncRaces {
    private SyncRaces() {}

    @JCStressTest
    @Description(
            "A permit is added, one is tried, a waiter needs two. Figures: tried; got both; free after all were given back.")
    @Outcome(id = "0, 1, 2", expect = ACCEPTABLE, desc = "The one in line came first.")
    @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "Tried before the waiter came.")
    @Outcome(expect = FORBIDDEN, desc = "A permit is lost, or there twice.")
    @State
    public static class ReleaseAcquireAndTry {
        final Semaphore semaphore = new Semaphore(1);
        final Probe<Permit> two = new Probe<>();
        volatile boolean tried;

        @Actor
        public void releaseAndTry() {
            semaphore.release();
            tried = semaphore.tryAcquire();
        }

        @Actor
        public void acquire() {
            semaphore.acquire(2).subscribe(two);
        }

        @Arbiter
        public void look(III_Result r) {
            if (tried) {
                semaphore.release();
            }
            r.r1 = bit(tried);
            r.r2 = Probe.release(two);
            r.r3 = semaphore.permits() + 10 * semaphore.waiters();
        }
    }

    @JCStressTest
    @Description(
            "Two permits are added, the first of three in line is cancelled. Figures: each one's outcome, as digits; free after.")
    @Outcome(id = "11, 2", expect = ACCEPTABLE, desc = "Cancelled first: the others.")
    @Outcome(id = "110, 2", expect = ACCEPTABLE, desc = "Granted first: the first two.")
    @Outcome(expect = FORBIDDEN, desc = "A permit is lost, or there twice.")
    @State
    public static class TwoReleasesAndCancel {
        final Semaphore semaphore = new Semaphore(0);
        final Probe<Permit> first = subscribe(semaphore.acquire());
        final Probe<Permit> second = subscribe(semaphore.acquire());
        final Probe<Permit> third = subscribe(semaphore.acquire());

        @Actor
        public void release() {
            semaphore.release();
            semaphore.release();
        }

        @Actor
        public void cancel() {
            first.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = 100 * first.outcome() + 10 * second.outcome() + third.outcome();
            Probe.release(first);
            Probe.release(second);
            Probe.release(third);
            r.r2 = semaphore.permits();
        }
    }

    @JCStressTest
    @Description(
            "A waiter for many is cancelled, the next needs few, a permit is added. Figures: the next one's outcome; free after.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "It has it.")
    @Outcome(expect = FORBIDDEN, desc = "It waits though it could resume.")
    @State
    public static class CancelOfTheGreedyAndRelease {
        final Semaphore semaphore = new Semaphore(0);
        final Probe<Permit> greedy = subscribe(semaphore.acquire(5));
        final Probe<Permit> next = subscribe(semaphore.acquire());

        @Actor
        public void release() {
            semaphore.release();
        }

        @Actor
        public void cancel() {
            greedy.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = Probe.release(next);
            r.r2 = semaphore.permits();
        }
    }

    @JCStressTest
    @Description("A permit is released twice at once. Figures: free after.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Once.")
    @Outcome(expect = FORBIDDEN, desc = "Twice.")
    @State
    public static class PermitReleasedTwice {
        final Semaphore semaphore = new Semaphore(1);
        final Permit held = hold(semaphore.acquire());

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void releaseAgain() {
            held.release();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = semaphore.permits();
            r.r2 = bit(held.isReleased());
        }
    }

    @JCStressTest
    @Description("One signal, two wait, the first is cancelled. Figures: each one's outcome, as digits; waiters left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Cancelled first, or after the signal, which was passed on.")
    @Outcome(id = "10, 1", expect = ACCEPTABLE, desc = "The first had resumed.")
    @Outcome(expect = FORBIDDEN, desc = "The signal is lost, or was received twice.")
    @State
    public static class SignalAndCancel {
        final Condition condition = new Condition();
        final Probe<Void> first = new Probe<>();
        final Probe<Void> second = new Probe<>();

        public SignalAndCancel() {
            Permit permit = hold(condition.acquire());
            condition.await().subscribe(first);
            permit.release();
            permit = hold(condition.acquire());
            condition.await().subscribe(second);
            permit.release();
        }

        @Actor
        public void signal() {
            Permit permit = hold(condition.acquire());
            condition.signal();
            permit.release();
        }

        @Actor
        public void cancel() {
            first.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = 10 * first.outcome() + second.outcome();
            r.r2 = condition.waiters();
        }
    }

    @JCStressTest
    @Description(
            "A task that awaits a condition is requested to end while it is signalled. Figures: outcome; holder of the lock after; waiters.")
    @Outcome(id = "-1, 1, 0", expect = ACCEPTABLE, desc = "Ended, with the lock.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Signalled, with the lock.")
    @Outcome(expect = FORBIDDEN, desc = "It resumes without the lock, or never.")
    @State
    public static class SignalAndDeadline {
        final Condition condition = new Condition();
        final Permit permit = hold(condition.acquire());
        final Probe<Void> waiter = subscribe(condition.await());

        @Actor
        public void signal() {
            if (condition.lock().tryAcquire()) { // else the waiter has ended, and has it
                condition.signal();
                condition.release();
            }
        }

        @Actor
        public void deadline() {
            waiter.end();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = waiter.outcome();
            r.r2 = bit(!permit.isReleased());
            r.r3 = condition.waiters() + condition.lock().waiters();
        }
    }

    @JCStressTest
    @Description("An event is set while a waiter comes. Figures: it resumed; waiters after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Immediately, or woken.")
    @Outcome(expect = FORBIDDEN, desc = "It waits though the event is set.")
    @State
    public static class SetAndAwait {
        final Event event = new Event();
        final Probe<Void> waiter = new Probe<>();

        @Actor
        public void set() {
            event.set();
        }

        @Actor
        public void await() {
            event.await().subscribe(waiter);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = waiter.outcome();
            r.r2 = event.waiters();
        }
    }

    @JCStressTest
    @Description("Two set an event, one waits. Figures: ends received; waiters after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Once.")
    @Outcome(expect = FORBIDDEN, desc = "Never, or twice.")
    @State
    public static class SetTwice {
        final Event event = new Event();
        final Probe<Void> waiter = subscribe(event.await());

        @Actor
        public void set() {
            event.set();
        }

        @Actor
        public void setToo() {
            event.clear();
            event.set();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = waiter.ends();
            r.r2 = event.waiters();
        }
    }

    @JCStressTest
    @Description(
            "The last of two parties comes while the first is cancelled. Figures: outcomes as digits; waiting after.")
    @Outcome(id = "11, 0", expect = ACCEPTABLE, desc = "Both resumed.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first: the other waits.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Cancelled when it had been let go.")
    @Outcome(expect = FORBIDDEN, desc = "A party that has left is counted.")
    @State
    public static class LastPartyAndCancel {
        final Barrier barrier = new Barrier(2);
        final Probe<Integer> first = subscribe(barrier.await());
        final Probe<Integer> last = new Probe<>();

        @Actor
        public void come() {
            barrier.await().subscribe(last);
        }

        @Actor
        public void cancel() {
            first.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = 10 * first.outcome() + last.outcome();
            r.r2 = barrier.nWaiting();
        }
    }

    @JCStressTest
    @Description("The last of two parties comes while the barrier is reset. Figures: outcomes; waiting after.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Met before.")
    @Outcome(id = "-1, 0, 1", expect = ACCEPTABLE, desc = "Reset before: the last one is the first of the next round.")
    @Outcome(id = "-1, 1, 0", expect = ACCEPTABLE, desc = "Reset when the last one had resumed, and the first had not.")
    @Outcome(expect = FORBIDDEN, desc = "Mixed rounds.")
    @State
    public static class LastPartyAndReset {
        final Barrier barrier = new Barrier(2);
        final Probe<Integer> first = subscribe(barrier.await());
        final Probe<Integer> last = new Probe<>();

        @Actor
        public void come() {
            barrier.await().subscribe(last);
        }

        @Actor
        public void reset() {
            barrier.reset();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = first.outcome();
            r.r2 = last.outcome();
            r.r3 = barrier.nWaiting();
        }
    }
}
