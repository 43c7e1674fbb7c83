package asyncio.sync;

import asyncio.Suspension;
import asyncio.WaitQueue;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.IdentityHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;

/**
 * A lock that suspends in {@code acquire} instead of blocking. It is held by a {@link Permit}, not by a thread, and is
 * not reentrant. For order, threading and cancelling see {@link Lockable}.
 *
 * <pre>{@code
 * Lock lock = new Lock();
 *
 * Mono<Void> saved = lock.withLock(repository.save(page));     // reactive
 *
 * try (var permit = await(lock.acquire())) {                    // straight-line
 *     await(repository.save(page));
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Lock}; this one needs no loop, and may be shared by several loops.
 */
public class Lock extends Lockable {
    private static final VarHandle WORD;
    /** The value of {@link #word} when the state is in {@link #holder} and {@link #waiters}, under the monitor. */
    private static final Object QUEUED = new Object();
    /** The holder when the lock is held without a permit. */
    private static final Object BY_HAND = new Object();

    static {
        try {
            WORD = MethodHandles.lookup().findVarHandle(Lock.class, "word", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /**
     * Null: free. A permit (or {@link #BY_HAND}): held by that, without waiters. {@link #QUEUED}: held, with waiters.
     * So the lock is never free while there are waiters: it passes directly from holder to holder.
     */
    private volatile @Nullable Object word;
    /** Guarded by this, valid while {@link #QUEUED}. */
    private @Nullable Object holder;
    /** Guarded by this. */
    private final WaitQueue<LockWaiter<?>> waiters = new WaitQueue<>();
    /**
     * Waiters that will reacquire the lock for a permit that has released it, even if they are disposed of. Guarded by
     * this.
     */
    private @Nullable IdentityHashMap<Object, ConditionSuspension> away;

    /** Creates a lock that is free. */
    public Lock() {}

    // ---- acquiring

    @Override
    public final boolean tryAcquire() {
        return WORD.compareAndSet(this, null, BY_HAND);
    }

    @Override
    final @Nullable HeldPermit take(int permits) {
        if (word != null) {
            return null;
        }
        HeldPermit permit = new LockPermit(this);
        return WORD.compareAndSet(this, null, permit) ? permit : null;
    }

    @Override
    final boolean looksTaken() {
        return word != null;
    }

    @Override
    final Suspension<HeldPermit> waiter(
            CoreSubscriber<? super HeldPermit> actual, int permits, @Nullable Duration limit) {
        return new LockAcquisition(this, actual, limit);
    }

    /** True if the waiter gets the lock and must be settled; else it joins the line, unless it is cancelled. */
    final boolean enter(LockWaiter<?> waiter) {
        return WORD.compareAndSet(this, null, waiter.token()) || enterContended(waiter);
    }

    /** True if the waiter gets the lock. */
    private synchronized boolean enterContended(LockWaiter<?> waiter) {
        if (!waiter.waits()) {
            return false;
        }
        while (!hold()) {
            if (WORD.compareAndSet(this, null, waiter.token())) {
                return true;
            }
        }
        waiters.add(waiter);
        PermitWatch.ensureWatching();
        return false;
    }

    /** Makes sure that the lock can be released only under the monitor; false if it is free. */
    private boolean hold() {
        for (Object word; (word = this.word) != QUEUED; ) {
            if (word == null) {
                return false;
            }
            holder = word;
            if (WORD.compareAndSet(this, word, QUEUED)) {
                return true;
            }
        }
        return true;
    }

    final synchronized void leave(LockWaiter<?> waiter) {
        if (waiters.remove(waiter)) {
            relax();
        }
    }

    /** Allows releases without the monitor again if no waiter is left. Under the monitor. */
    private void relax() {
        if (waiters.isEmpty() && word == QUEUED) {
            word = holder;
            holder = null;
        }
    }

    // ---- releasing

    @Override
    public final void release() {
        checkReleaseByHand();
        for (Object word; (word = this.word) != null; ) {
            if (word != QUEUED) {
                if (WORD.compareAndSet(this, word, null)) {
                    noteReleaseByHand();
                    freed();
                    return;
                }
                continue;
            }
            LockWaiter<?> next;
            synchronized (this) {
                if (this.word != QUEUED) {
                    continue;
                }
                next = handOver();
            }
            noteReleaseByHand();
            tell(next);
            return;
        }
        throw new IllegalMonitorStateException("release() of a lock that is not held: " + this);
    }

    final void release(Object token) {
        Turn next = free(token);
        if (next != null) {
            next.pass();
        }
    }

    private void tell(@Nullable LockWaiter<?> next) {
        if (next == null) {
            freed();
        } else {
            next.pass();
        }
    }

    /** Releases the lock if the token holds it; returns the next holder's turn, or null. */
    final @Nullable Turn free(Object token) {
        if (WORD.compareAndSet(this, token, null)) {
            freed();
            return null;
        }
        LockWaiter<?> next = null;
        ConditionSuspension returning = null;
        synchronized (this) {
            if (holder() == token) {
                next = giveUp(token);
            } else if (away == null || (returning = away.remove(token)) == null) {
                return null;
            } else {
                returning.forgo();
            }
        }
        if (returning != null) {
            returning.forgone();
        } else if (next == null) {
            freed();
        }
        return next;
    }

    /**
     * Releases a permit that is acquired from now on, and that an operator then drops, when the garbage collector finds
     * it. Without this a dropped permit is reported, if it is of the sample that is watched; in debug mode all are.
     * {@link #release()} then throws: only its {@link Permit} can release the lock.
     *
     * @return this
     */
    public final Lock reclaimDropped() {
        startReclaiming();
        return this;
    }

    @Override
    final boolean holds(PermitWatch watch) {
        return isHeldBy(watch);
    }

    @Override
    final void reclaim(PermitWatch watch) {
        release(watch);
    }

    /**
     * Passes the lock to the first in line and returns that, to be notified; null if the lock is now free. Under the
     * monitor, queued.
     */
    private @Nullable LockWaiter<?> handOver() {
        for (LockWaiter<?> next; (next = waiters.poll()) != null; ) {
            if (next.takeLock()) {
                holder = next.token();
                relax();
                return next;
            }
        }
        holder = null;
        word = null;
        return null;
    }

    /** Called after the lock has become free, for subclasses that keep locks only while they are in use. */
    void freed() {}

    // ---- for Condition: all under the monitor

    /** Returns the holder, or null. */
    final @Nullable Object holder() {
        Object word = this.word;
        return word == QUEUED ? holder : word;
    }

    /** Takes the lock from its holder; returns the next holder, to be notified, or null. */
    final @Nullable LockWaiter<?> giveUp(Object token) {
        if (word == QUEUED) {
            return holder == token ? handOver() : null;
        }
        WORD.compareAndSet(this, token, null);
        return null;
    }

    /** Registers a waiter that releases the lock, and will reacquire it for its permit. */
    final void expect(ConditionSuspension waiter) {
        if (away == null) {
            away = new IdentityHashMap<>();
        }
        away.put(waiter.token(), waiter);
    }

    /** Unregisters a waiter that has the lock, or never will. */
    final void expectNoLonger(ConditionSuspension waiter) {
        if (away != null) {
            away.remove(waiter.token(), waiter);
        }
    }

    /** Puts a waiter that does not have the lock into the line; true if it got the lock and must be notified. */
    final boolean rejoin(LockWaiter<?> waiter) {
        if (!enterContended(waiter)) {
            return false;
        }
        if (waiter.takeLock()) {
            return true;
        }
        word = null;
        return false;
    }

    // ---- looking at it

    @Override
    public final boolean locked() {
        return word != null;
    }

    @Override
    public final synchronized int waiters() {
        return waiters.size();
    }

    @Override
    public final synchronized Statistics statistics() {
        return new Statistics(locked() ? 0 : 1, waiters.size());
    }

    final boolean isHeldBy(Object token) {
        Object word = this.word;
        if (word != QUEUED) {
            return word == token;
        }
        synchronized (this) {
            return holder() == token;
        }
    }

    /** {@code <Lock [locked, waiters:2]>}. */
    @Override
    public String toString() {
        int waiters = waiters();
        return "<Lock [" + (locked() ? "locked" : "unlocked") + (waiters > 0 ? ", waiters:" + waiters : "") + "]>";
    }

    @Override
    public synchronized Stream<? extends Scannable> inners() {
        return waiters.snapshot().stream();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.NAME) {
            return toString();
        }
        if (key == Attr.CAPACITY) {
            return 1;
        }
        return key == Attr.BUFFERED ? waiters() : null;
    }
}
