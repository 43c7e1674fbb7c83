package asyncio.sync;

import asyncio.Asyncio;
import asyncio.ColdMono;
import asyncio.WaitQueue;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/**
 * Waiting, under a lock, until somebody else has changed what the lock guards. The lock is the condition's own, or one
 * that several conditions share.
 *
 * <p><b>Order.</b> Those who wait are signalled first in, first out, and then stand in the line of the lock.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks.
 *
 * <p><b>Cancelling.</b> A task that is cancelled (or timed out by {@link asyncio.Asyncio#waitFor}) while it awaits gets
 * its {@link asyncio.CancelledException} when it holds the lock again, so that what it holds is what it thinks it
 * holds. A signal that it had is passed on. The same is true with operators in between
 * ({@code waitFor(await().map(..))} or {@code await().timeout(d)} in a body): the task, or the {@link Lockable#withLock
 * scope}, does not go on before. But what follows in the same chain of operators does, without the lock while others
 * hold it, for which there is a warning in the log: {@code await().timeout(d).onErrorComplete().then(work)}. A deadline
 * belongs into {@link #await(Duration)}. Where neither a task nor a scope is, a subscription that is cancelled does not
 * get the lock back; its permit then is a released one.
 *
 * <pre>{@code
 * Condition changed = new Condition();
 *
 * try (var permit = await(changed.acquire())) {
 *     await(changed.awaitUntil(() -> !items.isEmpty()));
 *     use(items.remove());
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Condition}.
 */
public final class Condition implements Scannable {
    final Lock lock;
    /** Guarded by the lock's monitor. */
    final WaitQueue<ConditionSuspension> waiters = new WaitQueue<>();

    /** With a lock of its own. */
    public Condition() {
        this(new Lock());
    }

    /** With a lock that others use too. */
    public Condition(Lock lock) {
        this.lock = Objects.requireNonNull(lock, "lock");
    }

    /** The lock. */
    public Lock lock() {
        return lock;
    }

    /** As {@link Lock#acquire()} of its lock. */
    public Mono<Permit> acquire() {
        return lock.acquire();
    }

    /** As {@link Lock#release()} of its lock. */
    public void release() {
        lock.release();
    }

    /** Whether its lock is held. */
    public boolean locked() {
        return lock.locked();
    }

    /**
     * Releases the lock, waits for a signal, acquires the lock again, for the permit that held it before, and completes
     * empty. It may complete without a signal: check what you wait for, or use {@link #awaitUntil}. Nothing happens
     * until subscription.
     *
     * <p>Errors: {@link IllegalMonitorStateException} if nobody holds the lock.
     *
     * <p>asyncio: {@code Condition.wait}.
     */
    public Mono<Void> await() {
        return new Await(null);
    }

    /**
     * As {@link #await()}, with a deadline: after that it acquires the lock again, and then ends with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    public Mono<Void> await(Duration limit) {
        return new Await(PermitSource.checked(limit));
    }

    /**
     * Waits until the predicate is true, which is asked now and after each signal, while the lock is held. Nothing
     * happens until subscription. What the predicate throws, arrives as an error, the lock being held.
     *
     * <p>asyncio: {@code Condition.wait_for}.
     */
    public Mono<Void> awaitUntil(BooleanSupplier predicate) {
        return new AwaitUntil(Objects.requireNonNull(predicate, "predicate"));
    }

    /** As {@link #signal(int)} of one. asyncio: {@code Condition.notify}. */
    public void signal() {
        signal(1);
    }

    /**
     * Wakes the {@code n} who have waited longest, or all if they are fewer. They go on, one after the other, when the
     * lock is released.
     *
     * @throws IllegalMonitorStateException if nobody holds the lock; nothing has changed
     */
    public void signal(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("Cannot signal " + n + " waiters of " + this);
        }
        synchronized (lock) {
            checkHeld("signal()");
            for (int i = 0; i < n && !waiters.isEmpty(); i++) {
                signalOne(); // nobody is to be told: the lock is held
            }
        }
    }

    /** As {@link #signal(int)} of all who wait now. asyncio: {@code Condition.notify_all}. */
    public void signalAll() {
        signal(Integer.MAX_VALUE);
    }

    /** Returns the number of waiters that have not been signalled. */
    public int waiters() {
        synchronized (lock) {
            return waiters.size();
        }
    }

    /** The holder; under the monitor. */
    Object checkHeld(String what) {
        Object holder = lock.holder();
        if (holder == null) {
            throw new IllegalMonitorStateException(what + " needs the lock, which is not held: " + this
                    + ". Call it between acquire() and release(), or inside withLock(...)");
        }
        return holder;
    }

    /** Signals the first; it is returned if it has the lock, and is to be told. Under the monitor. */
    @Nullable ConditionSuspension signalOne() {
        for (ConditionSuspension next; (next = waiters.poll()) != null; ) {
            if (next.waits()) {
                return next.signal() ? next : null;
            }
        }
        return null;
    }

    private final class Await extends ColdMono<Void> {
        private final @Nullable Duration limit;

        Await(@Nullable Duration limit) {
            super(Await.class);
            this.limit = limit;
        }

        @Override
        protected void start(CoreSubscriber<? super Void> actual) {
            actual.onSubscribe(new ConditionSuspension(Condition.this, actual, limit));
        }

        @Override
        public String toString() {
            return "await of " + Condition.this;
        }
    }

    private final class AwaitUntil extends ColdMono<Void> {
        private final BooleanSupplier predicate;

        AwaitUntil(BooleanSupplier predicate) {
            super(AwaitUntil.class);
            this.predicate = predicate;
        }

        @Override
        protected @Nullable Void awaitInBody() throws Exception {
            while (!predicate.getAsBoolean()) {
                Asyncio.await(Condition.this.await());
            }
            return null;
        }

        @Override
        protected void start(CoreSubscriber<? super Void> actual) {
            actual.onSubscribe(new AwaitUntilSubscription(Condition.this, predicate, actual));
        }

        @Override
        public String toString() {
            return "awaitUntil of " + Condition.this;
        }
    }

    /** {@code <Condition [locked, waiters:2]>}. */
    @Override
    public String toString() {
        int waiters = waiters();
        return "<Condition [" + (locked() ? "locked" : "unlocked") + (waiters > 0 ? ", waiters:" + waiters : "") + "]>";
    }

    @Override
    public Stream<? extends Scannable> inners() {
        synchronized (lock) {
            return waiters.snapshot().stream();
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.NAME) {
            return toString();
        }
        return key == Attr.PARENT ? lock : null;
    }
}
