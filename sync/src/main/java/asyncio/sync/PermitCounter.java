package asyncio.sync;

import asyncio.Suppressed;
import asyncio.WaitQueue;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * The permits of a {@link Semaphore}, and those who wait for some.
 *
 * <p>One signed counter, the free permits or the negated number of waiters, as kotlinx's Semaphore has, cannot keep two
 * promises. A waiter may want several permits, so that some are free while it waits, and are told of. And one who has
 * been granted permits is not overtaken on its loop until it has resumed: then nobody waits and permits may be free,
 * and yet the next one of that loop has to join the line, though not one of another loop. So the counter says no more
 * than that somebody waits or is about to resume; everything else is under the monitor then.
 */
abstract class PermitCounter extends PermitSource {
    /*
     *          tryTake(), free()
     *            +-----+
     *            |     v
     *   [ word = free permits ]
     *        |           ^
     *        | enter():  | nobody is in line, and all
     *        | too few   | who were granted have resumed
     *        v           |
     *   [ word = CONTENDED ]
     *            |     ^
     *            +-----+
     *          enter(), leave(), free(), awake():
     *          grants the first in line while it can have what it wants
     *
     * One acquisition:
     *
     *               enter(): they are there
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
    /** In {@link #word}: see the fields below, under the monitor. */
    private static final int CONTENDED = -1;

    /** The free permits, if nobody waits or is about to resume. */
    private volatile int word;

    /** The free permits while {@link #CONTENDED}; guarded by this, as are the next two. */
    private int permits;

    /** The waiters that have been granted permits and have not resumed: not to be overtaken on their loop. */
    private final GrantedCounter waking = new GrantedCounter();

    private final WaitQueue<SemaphoreAcquisition> waiters = new WaitQueue<>();

    /** Whether the first in line can have what it wants; read without the monitor, as a hint. */
    private volatile boolean grantable;

    PermitCounter(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("A semaphore cannot have " + permits + " permits: 0 at least");
        }
        word = permits;
    }

    // ---- looking at it

    /** Whether no permit is free, or others are first. */
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

    /** The number of those who wait, and that of free permits, at one moment. */
    final synchronized Statistics counts() {
        return new Statistics(freePermits(), waiters.size());
    }

    final synchronized int waiting() {
        return waiters.size();
    }

    /** Returns the number of waiters for just {@code n}. */
    final synchronized int waitingFor(int n) {
        return (int) waiters.snapshot().stream()
                .filter(waiter -> waiter.wanted() == n)
                .count();
    }

    final synchronized List<SemaphoreAcquisition> line() {
        return waiters.snapshot();
    }

    // ---- taking

    /** Takes permits that are free unless others wait. */
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

    /** Whether so many are free and nobody waits; under the monitor, contended. */
    private boolean hasContended(int n) {
        return waiters.isEmpty() && permits >= n;
    }

    /** As {@link #tryAcquireAny}, without the monitor; also false if nobody waits, but somebody is about to resume. */
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
        acquisition.release(); // cancelled meanwhile
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
            next = grantFirst(); // it wanted many, perhaps, and the next wants few
        }
        if (next != null) {
            next.pass();
        }
    }

    // ---- giving

    /** Adds permits; whose turn it is then, or null. */
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

    /** One that had been granted permits resumes, or gives some of them back; whose turn it is then, or null. */
    final synchronized @Nullable Turn awake(SemaphoreAcquisition acquisition, int back) {
        waking.remove(acquisition.resumingLoop());
        permits += back;
        return grantFirst();
    }

    /** Grants the first in line what it wants, if that is there; under the monitor, contended. */
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

    /** Grants those after the first. */
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
                } catch (Error e) { // of a subscriber that runs here; the others are still to be told
                    first = first == null ? e : Suppressed.add(first, e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
