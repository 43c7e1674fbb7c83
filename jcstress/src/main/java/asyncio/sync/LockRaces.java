package asyncio.sync;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.Objects;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A lock changes hands while waiters come and leave, or a permit is released twice. */
public final class LockRaces {
    private LockRaces() {}

    static int bit(boolean value) {
        return value ? 1 : 0;
    }

    static Permit hold(Mono<Permit> acquire) {
        return Objects.requireNonNull(acquire.block());
    }

    static <T> Probe<T> subscribe(Mono<T> mono) {
        Probe<T> probe = new Probe<>();
        mono.subscribe(probe);
        return probe;
    }

    @JCStressTest
    @Description("The holder releases, the only waiter is cancelled. Figures: got it; locked after it released it too.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Granted first.")
    @Outcome(expect = FORBIDDEN, desc = "The lock is lost.")
    @State
    public static class ReleaseAndCancel {
        final Lock lock = new Lock();
        final Permit held = hold(lock.acquire());
        final Probe<Permit> waiter = subscribe(lock.acquire());

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void cancel() {
            waiter.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = Probe.release(waiter);
            r.r2 = bit(lock.locked()) + lock.waiters();
        }
    }

    @JCStressTest
    @Description(
            "The holder releases, a deadline ends the first waiter, a second one waits. Figures: each one's outcome; locked after.")
    @Outcome(id = "-1, 1, 0", expect = ACCEPTABLE, desc = "The deadline came first.")
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "The grant came first; then the second.")
    @Outcome(expect = FORBIDDEN, desc = "A wake-up is lost, or there are two holders.")
    @State
    public static class ReleaseAndDeadline {
        final Lock lock = new Lock();
        final Permit held = hold(lock.acquire());
        final Probe<Permit> first = subscribe(lock.acquire());
        final Probe<Permit> second = subscribe(lock.acquire());

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void deadline() {
            first.end();
        }

        @Arbiter
        public void look(III_Result r) {
            r.r1 = Probe.release(first);
            r.r2 = Probe.release(second);
            r.r3 = bit(lock.locked()) + lock.waiters();
        }
    }

    @JCStressTest
    @Description("The holder releases while a waiter comes. Figures: got it; locked after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Immediately or from the line.")
    @Outcome(expect = FORBIDDEN, desc = "It waits forever.")
    @State
    public static class ReleaseAndAcquire {
        final Lock lock = new Lock();
        final Permit held = hold(lock.acquire());
        final Probe<Permit> waiter = new Probe<>();

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void acquire() {
            lock.acquire().subscribe(waiter);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = Probe.release(waiter);
            r.r2 = bit(lock.locked());
        }
    }

    @JCStressTest
    @Description(
            "A permit is released twice at the same time, two wait. Figures: number of waiters that got the lock; locked after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "One.")
    @Outcome(expect = FORBIDDEN, desc = "The second release released another holder's lock.")
    @State
    public static class ReleaseTwice {
        final Lock lock = new Lock();
        final Permit held = hold(lock.acquire());
        final Probe<Permit> first = subscribe(lock.acquire());
        final Probe<Permit> second = subscribe(lock.acquire());

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
            r.r1 = first.outcome() + second.outcome();
            Probe.release(first);
            Probe.release(second);
            r.r2 = bit(lock.locked());
        }
    }

    @JCStressTest
    @Description("Two acquire a free lock, a third tries. Figures: number of holders at the same moment; locked after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "One.")
    @Outcome(expect = FORBIDDEN, desc = "None, or several.")
    @State
    public static class ThreeCome {
        final Lock lock = new Lock();
        final Probe<Permit> first = new Probe<>();
        final Probe<Permit> second = new Probe<>();
        volatile boolean third;

        @Actor
        public void first() {
            lock.acquire().subscribe(first);
        }

        @Actor
        public void secondAndThird() {
            lock.acquire().subscribe(second);
            third = lock.tryAcquire();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = first.outcome() + second.outcome() + bit(third);
            if (third) {
                lock.release();
            }
            Probe.release(first);
            Probe.release(second);
            Probe.release(first);
            r.r2 = bit(lock.locked());
        }
    }

    @JCStressTest
    @Description(
            "withLock: its turn comes, it is cancelled, then the work ends. Figures: the work began; locked after.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Cancelled before its turn.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Cancelled at work.")
    @Outcome(expect = FORBIDDEN, desc = "The lock is lost.")
    @State
    public static class ScopeAndCancel {
        final Lock lock = new Lock();
        final Permit held = hold(lock.acquire());
        final Sinks.One<Integer> work = Sinks.one();
        final Probe<Integer> scope = new Probe<>();
        volatile int began;

        public ScopeAndCancel() {
            lock.withLock(work.asMono().doOnSubscribe(s -> began = 1)).subscribe(scope);
        }

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void cancel() {
            scope.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = began;
            r.r2 = bit(lock.locked()) + lock.waiters();
        }
    }

    @JCStressTest
    @Description("withLock: the work ends while it is cancelled. Figures: it received the end; locked after.")
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Cancelled first.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Ended first.")
    @Outcome(expect = FORBIDDEN, desc = "Never released, or released twice.")
    @State
    public static class EndOfScopeAndCancel {
        final Lock lock = new Lock();
        final Sinks.One<Integer> work = Sinks.one();
        final Probe<Integer> scope = subscribe(lock.withLock(work.asMono()));

        @Actor
        public void end() {
            work.tryEmitValue(1);
        }

        @Actor
        public void cancel() {
            scope.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = scope.ends();
            r.r2 = bit(lock.locked());
        }
    }

    @JCStressTest
    @Description("One key: the holder releases while a waiter comes. Figures: got it; keys after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "The same lock, or a new one.")
    @Outcome(expect = FORBIDDEN, desc = "It waits for a lock that has left the map, or the key stays.")
    @State
    public static class KeyReleaseAndAcquire {
        final KeyedLock<String> locks = new KeyedLock<>();
        final Permit held = hold(locks.lock("key").acquire());
        final Probe<Permit> waiter = new Probe<>();

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void acquire() {
            locks.lock("key").acquire().subscribe(waiter);
        }

        @Arbiter
        public void look(II_Result r) {
            r.r1 = Probe.release(waiter);
            r.r2 = locks.size();
        }
    }

    @JCStressTest
    @Description("One key: two come, one is cancelled. Figures: the other got it; keys after.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "In either order.")
    @Outcome(expect = FORBIDDEN, desc = "It waits forever, or the key stays.")
    @State
    public static class KeyAcquireAndCancel {
        final KeyedLock<String> locks = new KeyedLock<>();
        final Permit held = hold(locks.lock("key").acquire());
        final Probe<Permit> cancelled = subscribe(locks.lock("key").acquire());
        final Probe<Permit> waiter = subscribe(locks.lock("key").acquire());

        @Actor
        public void release() {
            held.release();
        }

        @Actor
        public void cancel() {
            cancelled.cancel();
        }

        @Arbiter
        public void look(II_Result r) {
            Probe.release(cancelled);
            r.r1 = Probe.release(waiter);
            r.r2 = locks.size();
        }
    }
}
