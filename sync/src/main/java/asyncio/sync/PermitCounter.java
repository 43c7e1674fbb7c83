package asyncio.sync;

import asyncio.Suppressed;
import asyncio.WaitQueue;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * The permits of a {@link Semaphore} and the waiters for them.
 *
 * <p>A single signed counter, with the free permits or the negated number of waiters, as in kotlinx's Semaphore, cannot
 * keep two guarantees. A waiter may request several permits, so that some are free, and are reported as such, while it
 * waits. And a waiter that has been granted permits is not overtaken on its loop until it has resumed: in that state
 * there are no waiters and permits may be free, yet the next acquisition on that loop must join the line, though one on
 * another loop need not. So the counter only says that there are waiters, or that some are about to resume; all other
 * state is then under the monitor.
 */
abstract class PermitCounter extends PermitSource {
    /*
     *          tryTake(), free()
     *            +-----+
     *            |     v
     *   [ word = free permits ]
     *        |           ^
     *        | enter(): | the line is empty, and all
     *        | too few | granted waiters have resumed
     *        v           |
     *   [ word = CONTENDED ]
     *            |     ^
     *            +-----+
     *          enter(), leave(), free(), awake():
     *          grants the first in line while enough permits are free
     *
     * One acquisition:
     *
     *               enter(): they are free
     *   [ new ] ---------------------------------------> [ held ] -----------+
     *      |                                                ^                | free()
     *      | enter(): too few, or others are first          |                |
     *      v                 grantFirst()                   | awake()        v
     *   [ in line ] ------------------------> [ waking ] ---+          [ released ]
     *      |                                      |                          ^
     *      | leave(): cancelled, or timed out     | awake(): cancelled       |
     *      v                                      | before it resumed        |
     *   [ gone ]                                  +--------------------------+
     */

    private static final AtomicIntegerFieldUpdater<PermitCounter> WORD =
            AtomicIntegerFieldUpdater.newUpdater(PermitCounter.class, "word");
    /** The value of {@link #word} when the state is in the fields below, under the monitor. */
    private static final int CONTENDED = -1;

    /** The number of free permits, if there are no waiters and none is about to resume. */
    private volatile int word;

    /** The number of free permits while {@link #CONTENDED}; guarded by this, as are the next two fields. */
    private int permits;

    /** The waiters that have been granted permits and have not resumed: they must not be overtaken on their loop. */
    private final GrantedCounter waking = new GrantedCounter();

    private final WaitQueue<SemaphoreAcquisition> waiters = new WaitQueue<>();

    /** Whether enough permits are free for the first in line; read without the monitor, as a hint. */
    private volatile boolean grantable;

    PermitCounter(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("The number of permits must not be negative: " + permits);
        }
        word = permits;
    }

    // ---- looking at it

    /** Returns whether no permit is free, or others wait. */
    final boolean noneFree() {
        return word <= 0;
    }

    /** Returns the number of free permits. */
    final int freePermits() {
        int free = word;
        if (free != CONTENDED) {
            return free;
        }
        synchronized (this) {
            return word == CONTENDED ? permits : word;
        }
    }

    /** Returns the numbers of waiters and of free permits at one moment. */
    final synchronized Statistics counts() {
        return new Statistics(freePermits(), waiters.size());
    }

    final synchronized int waiting() {
        return waiters.size();
    }

    /** Returns the number of waiters for exactly {@code n} permits. */
    final synchronized int waitingFor(int n) {
        return (int) waiters.snapshot().stream()
                .filter(waiter -> waiter.wanted() == n)
                .count();
    }

    final synchronized List<SemaphoreAcquisition> line() {
        return waiters.snapshot();
    }

    // ---- taking

    /** Takes free permits, unless others wait. */
    final boolean tryAcquireAny(int n) {
        if (tryTake(n)) {
            return true;
        }
        synchronized (this) {
            if (word != CONTENDED) {
                return tryTake(n);
            }
            boolean has = hasContended(n);
            permits -= has ? n : 0;
            return has;
        }
    }

    /** Returns whether {@code n} permits are free and there are no waiters; under the monitor, contended. */
    private boolean hasContended(int n) {
        return waiters.isEmpty() && permits >= n;
    }

    /**
     * Like {@link #tryAcquireAny}, without the monitor; also false if there are no waiters but some are about to
     * resume.
     */
    final boolean tryTake(int n) {
        for (int free; (free = word) >= n; ) {
            if (WORD.compareAndSet(this, free, free - n)) {
                return true;
            }
        }
        return false;
    }

    /** Takes permits or joins the line; true if it was settled here. */
    final boolean enter(SemaphoreAcquisition acquisition) {
        if (!tryTake(acquisition.wanted()) && !enterContended(acquisition)) {
            return false;
        }
        if (acquisition.takeAtOnce()) {
            return true;
        }
        acquisition.release(); // cancelled in the meantime
        return false;
    }

    /** True if it has its permits. */
    private synchronized boolean enterContended(SemaphoreAcquisition acquisition) {
        if (!acquisition.waits()) {
            return false;
        }
        for (int free; (free = word) != CONTENDED; ) {
            if (free >= acquisition.wanted()) {
                if (tryTake(acquisition.wanted())) {
                    return true;
                }
            } else {
                permits = free;
                WORD.compareAndSet(this, free, CONTENDED);
            }
        }
        if (hasContended(acquisition.wanted()) && !waking.anyOn(acquisition.resumingLoop())) {
            permits -= acquisition.wanted();
            return true;
        }
        waiters.add(acquisition);
        PermitWatch.ensureWatching();
        return false;
    }

    final void leave(SemaphoreAcquisition acquisition) {
        Turn next;
        synchronized (this) {
            if (!waiters.remove(acquisition)) {
                return;
            }
            next = grantFirst(); // it may have requested more than the next does
        }
        if (next != null) {
            next.pass();
        }
    }

    // ---- giving

    /** Adds permits; returns the next waiter's turn, or null. */
    final @Nullable Turn free(int n) {
        for (; ; ) {
            int free = word;
            if (free == CONTENDED) {
                synchronized (this) {
                    if (word == CONTENDED) {
                        permits = sum(permits, n);
                        return grantFirst();
                    }
                }
            } else if (WORD.compareAndSet(this, free, sum(free, n))) {
                return null;
            }
        }
    }

    int sum(int free, int n) {
        int sum = free + n;
        if (sum < 0) {
            throw new IllegalStateException("Cannot release " + n + " permits: there are " + free + " in " + this);
        }
        return sum;
    }

    /** Notes that a granted waiter resumes, or gives its permits back; returns the next waiter's turn, or null. */
    final synchronized @Nullable Turn awake(SemaphoreAcquisition acquisition, int back) {
        waking.remove(acquisition.resumingLoop());
        permits += back;
        return grantFirst();
    }

    /** Grants the first in line its permits if enough are free; under the monitor, contended. */
    private @Nullable SemaphoreAcquisition grantFirst() {
        for (SemaphoreAcquisition first; (first = waiters.peek()) != null && first.wanted() <= permits; ) {
            waiters.poll();
            if (first.wake()) {
                permits -= first.wanted();
                waking.add(first.resumingLoop());
                SemaphoreAcquisition second = waiters.peek();
                grantable = second != null && second.wanted() <= permits;
                return first;
            }
        }
        grantable = false;
        if (waking.isEmpty() && waiters.isEmpty()) {
            word = permits;
        }
        return null;
    }

    /** Grants the waiters after the first. */
    final void passMore() {
        Error first = null;
        while (grantable) {
            SemaphoreAcquisition next;
            synchronized (this) {
                next = word == CONTENDED ? grantFirst() : null;
            }
            if (next != null) {
                try {
                    next.deliver();
                } catch (Error e) { // from a subscriber that runs here; the others must still be notified
                    first = first == null ? e : Suppressed.add(first, e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
