package asyncio.sync;

import static asyncio.sync.LockRaces.bit;
import static asyncio.sync.LockRaces.subscribe;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/** Permits of a rate limiter that adds none while a test runs: only permits given back are granted. */
public final class RateRaces {
    private RateRaces() {}

    /** Returns a limiter that never has more permits than at first. */
    static RateLimiter of(int permits) {
        return RateLimiter.of(1, Duration.ofDays(1), permits);
    }

    @JCStressTest
    @Description("An acquire and a tryAcquire meet at the only permit. Figures: got it; tried; permits and waiters.")
    @Outcome(id = "1, 0, 0", expect = ACCEPTABLE, desc = "The waiter came first.")
    @Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Tried first.")
    @Outcome(expect = FORBIDDEN, desc = "A permit is lost, or there twice.")
    @State
    public static class AcquireAndTry {
        final RateLimiter limiter = of(1);
        final Probe<Void> waiter = new Probe<>();
        volatile boolean tried;

        @Actor
        public void acquire() {
            limiter.acquire().subscribe(waiter);
        }

        @Actor
        public void tryIt() {
            tried = limiter.tryAcquire();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = waiter.outcome();
            r.r2 = bit(tried);
            waiter.cancel();
            r.r3 = limiter.permits() + 10 * limiter.waiters();
        }
    }

    @JCStressTest
    @Description(
            "One comes for the only permit while its subscription is cancelled. Figures: got it; permits and waiters.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Granted first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first: it is still there.")
    @Outcome(expect = FORBIDDEN, desc = "The permit is lost, or there twice.")
    @State
    public static class ComeAndCancel {
        final RateLimiter limiter = of(1);
        final Probe<Void> waiter = new Probe<>();

        @Actor
        public void come() {
            limiter.acquire().subscribe(waiter);
        }

        @Actor
        public void cancel() {
            waiter.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = waiter.outcome();
            r.r2 = limiter.permits() + 10 * limiter.waiters();
        }
    }

    @JCStressTest
    @Description(
            "The first in line, which needs many, leaves while another comes, for which there are enough. Figures: the other's; left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "It got it, before or after.")
    @Outcome(expect = FORBIDDEN, desc = "It waits though it could resume, or a permit is lost.")
    @State
    public static class GreedyLeavesAndOneComes {
        final RateLimiter limiter = of(3);
        final Probe<Void> greedy;
        final Probe<Void> other = new Probe<>();

        public GreedyLeavesAndOneComes() {
            limiter.tryAcquire(2);
            greedy = subscribe(limiter.acquire(3));
        }

        @Actor
        public void leave() {
            greedy.cancel();
        }

        @Actor
        public void come() {
            limiter.acquire().subscribe(other);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = other.outcome() + 10 * greedy.outcome();
            r.r2 = limiter.permits() + 10 * limiter.waiters();
        }
    }

    @JCStressTest
    @Description(
            "The first in line, which needs many, leaves, so that the next one is granted, and is cancelled. Figures: its outcome; left.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Granted first.")
    @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(expect = FORBIDDEN, desc = "A permit is lost, or there twice.")
    @State
    public static class GrantAndCancel {
        final RateLimiter limiter = of(2);
        final Probe<Void> greedy;
        final Probe<Void> next;

        public GrantAndCancel() {
            limiter.tryAcquire();
            greedy = subscribe(limiter.acquire(2));
            next = subscribe(limiter.acquire());
        }

        @Actor
        public void grant() {
            greedy.cancel();
        }

        @Actor
        public void cancel() {
            next.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = next.outcome();
            r.r2 = limiter.permits() + 10 * limiter.waiters();
        }
    }

    @JCStressTest
    @Description(
            "A permit of a key that is full again is taken while others arrive, which drop the key. Figures: taken; tried after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Once.")
    @Outcome(expect = FORBIDDEN, desc = "The key was dropped with its permit taken.")
    @State
    public static class UseAndDropOfAKey {
        final KeyedRateLimiter<Integer> limiters = KeyedRateLimiter.of(1, Duration.ofDays(1), 1);
        boolean taken;

        public UseAndDropOfAKey() {
            for (int key = 1; key <= 64; key++) { // as many keys as there may be before idle ones are dropped
                limiters.tryAcquire(key);
            }
        }

        @Actor
        public void use() {
            taken = limiters.tryAcquire(0);
        }

        @Actor
        public void drop() {
            limiters.tryAcquire(65);
            limiters.tryAcquire(66);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = bit(taken);
            r.r2 = bit(limiters.tryAcquire(0));
        }
    }
}
