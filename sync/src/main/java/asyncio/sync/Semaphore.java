package asyncio.sync;

import asyncio.Suppressed;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A number of permits: {@code acquire} takes one and suspends while there is none, {@code release} adds one.
 *
 * <p><b>Order.</b> Strictly first in, first out, also among those who want several: nobody overtakes one who waits, not
 * even one who has been granted a permit and has not gone on yet.
 *
 * <p><b>Threading, cancelling.</b> As {@link Lockable} says.
 *
 * <pre>{@code
 * Semaphore eight = new Semaphore(8);
 *
 * Mono<Page> page = eight.withPermit(client.get(url));             // reactive
 *
 * try (var permit = await(eight.acquire())) {                       // straight-line
 *     return await(client.get(url));
 * }
 * }</pre>
 *
 * <p>asyncio: {@code Semaphore}. As there, {@code release()} may be called more often than {@code acquire()}; use
 * {@link BoundedSemaphore} to make that an error.
 */
public class Semaphore extends PermitSource {
    private static final AtomicIntegerFieldUpdater<Semaphore> WORD =
            AtomicIntegerFieldUpdater.newUpdater(Semaphore.class, "word");
    /** In {@link #word}: see the fields below, under the monitor. */
    private static final int CONTENDED = -1;

    /** The free permits, if nobody waits or is about to go on. */
    private volatile int word;

    /** The three are guarded by this, {@code permits} is valid while {@link #CONTENDED}. */
    private int permits;

    /** Those who have been granted permits from the line and have not gone on: not to be overtaken on their loop. */
    private final Waking waking = new Waking();

    private final WaitQueue<SemaphoreAcquisition> waiters = new WaitQueue<>();

    /** Whether the first in line can have what it wants; read without the monitor, as a hint. */
    private volatile boolean grantable;

    /** The permits that operators have. */
    private final Set<PermitWatch> watched = ConcurrentHashMap.newKeySet();

    /**
     * With that many permits.
     *
     * @throws IllegalArgumentException if there are fewer than none
     */
    public Semaphore(int permits) {
        if (permits < 0) {
            throw new IllegalArgumentException("A semaphore cannot have " + permits + " permits: 0 at least");
        }
        word = permits;
    }

    // ---- API

    /**
     * Waits for a permit. Nothing happens until subscription; each subscription acquires anew.
     *
     * <p>asyncio: {@code Semaphore.acquire}.
     */
    public final Mono<Permit> acquire() {
        return acquireMono(checked(1), null);
    }

    /** As {@link #acquire()}, for {@code n} at once. */
    public final Mono<Permit> acquire(int n) {
        return acquireMono(checked(n), null);
    }

    /**
     * As {@link #acquire()}, for at most {@code limit}; after that {@code onError} with a
     * {@link java.util.concurrent.TimeoutException}. No permit is lost by the deadline. A limit of zero or less takes a
     * permit only if there is one. The clock is the loop's where one runs, else that of {@code Schedulers.parallel()}.
     */
    public final Mono<Permit> acquire(Duration limit) {
        return acquireMono(checked(1), checked(limit));
    }

    /** As {@link #acquire(Duration)}, for {@code n} at once. */
    public final Mono<Permit> acquire(int n, Duration limit) {
        return acquireMono(checked(n), checked(limit));
    }

    /** Takes a permit if there is one and nobody waits; give it back with {@link #release()}. */
    public final boolean tryAcquire() {
        return tryAcquireAny(1);
    }

    /** As {@link #tryAcquire()}, for {@code n} at once. */
    public final boolean tryAcquire(int n) {
        return tryAcquireAny(checked(n));
    }

    /**
     * Adds a permit. One who has a {@link Permit} releases that instead.
     *
     * <p>asyncio: {@code Semaphore.release}.
     */
    public final void release() {
        release(1);
    }

    /**
     * Adds {@code n} permits.
     *
     * @throws IllegalStateException if there would be too many; nothing has changed
     */
    public final void release(int n) {
        checkReleaseByHand();
        Turn next = free(positive(n));
        noteReleaseByHand();
        if (next != null) {
            next.pass();
        }
    }

    /**
     * Runs {@code work} while holding a permit; as {@link Lockable#withLock(Mono)}.
     *
     * <p>asyncio: {@code async with semaphore}.
     */
    public final <T> Mono<T> withPermit(Mono<T> work) {
        return new ScopedMono<>(this, checked(1), work);
    }

    /** As {@link #withPermit(Mono)}, from the subscription to the end of a Flux. */
    public final <T> Flux<T> withPermit(Flux<T> work) {
        return new ScopedFlux<>(this, checked(1), work);
    }

    /** Runs {@code work} while holding {@code n} permits. */
    public final <T> Mono<T> withPermits(int n, Mono<T> work) {
        return new ScopedMono<>(this, checked(n), work);
    }

    /** As {@link #withPermits(int, Mono)}, from the subscription to the end of a Flux. */
    public final <T> Flux<T> withPermits(int n, Flux<T> work) {
        return new ScopedFlux<>(this, checked(n), work);
    }

    /** Whether {@link #acquire()} would have to wait: no permit is free, or others are first. */
    public final boolean locked() {
        return word <= 0;
    }

    /** How many permits are free. */
    public final int permits() {
        int free = word;
        if (free != CONTENDED) {
            return free;
        }
        synchronized (this) {
            return word == CONTENDED ? permits : word;
        }
    }

    /** Both at one moment. */
    public final synchronized Statistics statistics() {
        return new Statistics(permits(), waiters.size());
    }

    /**
     * From now on permits that an operator has dropped are released when the garbage collector finds them; they are
     * reported in any case. {@link #release()} is refused then: only the {@link Permit}s can release.
     *
     * @return this
     */
    public Semaphore reclaimDropped() {
        startReclaiming();
        return this;
    }

    final void watch(PermitWatch watch) {
        watched.add(watch);
    }

    @Override
    final boolean holds(PermitWatch watch) {
        return watched.contains(watch);
    }

    /** It was released. */
    final boolean unwatch(PermitWatch watch) {
        return watched.remove(watch);
    }

    @Override
    final void reclaim(PermitWatch watch) {
        if (unwatch(watch)) {
            Turn next = free(watch.permits);
            if (next != null) {
                next.pass();
            }
        }
    }

    /** How many wait. */
    public final synchronized int waiters() {
        return waiters.size();
    }

    /** How many wait for just {@code n}. */
    final synchronized int waiters(int n) {
        return (int) waiters.snapshot().stream()
                .filter(waiter -> waiter.wanted() == n)
                .count();
    }

    // ---- taking

    /** A number of permits that may be acquired. */
    int checked(int n) {
        return positive(n);
    }

    private static int positive(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("Cannot acquire or release " + n + " permits: 1 at least");
        }
        return n;
    }

    /** How many permits the holder of {@code n} is told to have. */
    int shown(int n) {
        return n;
    }

    private boolean tryAcquireAny(int n) {
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

    private boolean tryTake(int n) {
        for (int free; (free = word) >= n; ) {
            if (WORD.compareAndSet(this, free, free - n)) {
                return true;
            }
        }
        return false;
    }

    @Override
    final @Nullable Held take(int permits) {
        return tryTake(permits) ? new SemaphorePermit(this, permits) : null;
    }

    @Override
    final Suspension<Held> waiter(CoreSubscriber<? super Held> actual, int permits, @Nullable Duration limit) {
        return new SemaphoreAcquisition(this, actual, permits, limit);
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

    /** One that had been granted permits goes on, or gives some of them back; whose turn it is then, or null. */
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

    // ---- looking at it

    /** {@code <Semaphore [unlocked, value:3]>} or {@code <Semaphore [locked, waiters:2]>}. */
    @Override
    public String toString() {
        int waiters = waiters();
        return "<" + getClass().getSimpleName() + " [" + (locked() ? "locked" : "unlocked, value:" + permits())
                + (waiters > 0 ? ", waiters:" + waiters : "") + "]>";
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
        return key == Attr.BUFFERED ? waiters() : null;
    }
}
