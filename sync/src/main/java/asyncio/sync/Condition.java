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
 * A condition variable: a task that holds the lock waits until another changes the state that the lock guards. The lock
 * is the condition's own, or shared by several conditions.
 *
 * <p><b>Order.</b> Waiters are signalled first in, first out, and then join the line for the lock.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks.
 *
 * <p><b>Cancelling.</b> A task that is cancelled (or timed out by {@link asyncio.Asyncio#waitFor}) while it awaits
 * receives its {@link asyncio.CancelledException} when it holds the lock again, so that the code after it can rely on
 * holding the lock. A signal it had received is passed on. The same holds with operators in between
 * ({@code waitFor(await().map(..))} or {@code await().timeout(d)} in a body): the task, or the {@link Lockable#withLock
 * scope}, does not resume earlier. But later operators of the same chain do run, without the lock while others hold it;
 * a warning is logged: {@code await().timeout(d).onErrorComplete().then(work)}. Pass a deadline to
 * {@link #await(Duration)}. Outside a task or a scope, a cancelled subscription does not reacquire the lock; its permit
 * is then a released one.
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

    /** Creates a condition with its own lock. */
    public Condition() {
        this(new Lock());
    }

    /** Creates a condition with a shared lock. */
    public Condition(Lock lock) {
        this.lock = Objects.requireNonNull(lock, "lock");
    }

    /** Returns the lock. */
    public Lock lock() {
        return lock;
    }

    /** Acquires its lock; see {@link Lock#acquire()}. */
    public Mono<Permit> acquire() {
        return lock.acquire();
    }

    /** Releases its lock; see {@link Lock#release()}. */
    public void release() {
        lock.release();
    }

    /** Returns whether its lock is held. */
    public boolean locked() {
        return lock.locked();
    }

    /**
     * Releases the lock, waits for a signal, reacquires the lock for the permit that held it before, and completes
     * empty. It may complete without a signal: check the condition in a loop, or use {@link #awaitUntil}. Nothing
     * happens until subscription.
     *
     * <p>Fails with {@link IllegalMonitorStateException} if the lock is not held.
     *
     * <p>asyncio: {@code Condition.wait}.
     */
    public Mono<Void> await() {
        return new Await(null);
    }

    /**
     * Like {@link #await()}, with a deadline: after that it reacquires the lock, and then fails with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    public Mono<Void> await(Duration limit) {
        return new Await(PermitSource.checked(limit));
    }

    /**
     * Waits until the predicate is true. It is tested at subscription and after each signal, while the lock is held.
     * Nothing happens until subscription. If the predicate throws, the Mono fails with its exception, with the lock
     * held.
     *
     * <p>asyncio: {@code Condition.wait_for}.
     */
    public Mono<Void> awaitUntil(BooleanSupplier predicate) {
        return new AwaitUntil(Objects.requireNonNull(predicate, "predicate"));
    }

    /** Signals one waiter; see {@link #signal(int)}. asyncio: {@code Condition.notify}. */
    public void signal() {
        signal(1);
    }

    /**
     * Signals the {@code n} waiters that have waited longest, or all if there are fewer. They resume one after the
     * other as the lock is released.
     *
     * @throws IllegalMonitorStateException if the lock is not held; nothing has changed
     */
    public void signal(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("Cannot signal " + n + " waiters of " + this);
        }
        synchronized (lock) {
            checkHeld("signal()");
            for (int i = 0; i < n && !waiters.isEmpty(); i++) {
                signalOne(); // there is no waiter to notify: the lock is held
            }
        }
    }

    /** Signals all current waiters; see {@link #signal(int)}. asyncio: {@code Condition.notify_all}. */
    public void signalAll() {
        signal(Integer.MAX_VALUE);
    }

    /** Returns the number of waiters that have not been signalled. */
    public int waiters() {
        synchronized (lock) {
            return waiters.size();
        }
    }

    /** Returns the holder; under the monitor. */
    Object checkHeld(String what) {
        Object holder = lock.holder();
        if (holder == null) {
            throw new IllegalMonitorStateException(what + " needs the lock, which is not held: " + this
                    + ". Call it between acquire() and release(), or inside withLock(...)");
        }
        return holder;
    }

    /** Signals the first waiter. Returns it if it has the lock and must be notified. Under the monitor. */
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
