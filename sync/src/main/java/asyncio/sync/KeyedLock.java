package asyncio.sync;

import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A lock for each key: work on the same key runs sequentially, work on different keys concurrently. A key's lock exists
 * only while it is in use, so the number of different keys over time is unlimited.
 *
 * <pre>{@code
 * KeyedLock<UserId> locks = new KeyedLock<>();
 * Mono<Receipt> receipt = locks.withLock(order.user(), charge(order));
 * }</pre>
 *
 * <p>asyncio has no equivalent.
 *
 * @param <K> the type of the keys, with {@code equals} and {@code hashCode}
 */
public final class KeyedLock<K> implements AsyncKeyedLock<K> {
    private final ConcurrentHashMap<K, Used> locks = new ConcurrentHashMap<>();

    private volatile boolean reclaims;

    /** Creates a KeyedLock in which no key is held. */
    public KeyedLock() {}

    /** Returns the lock of a key: a view, which keeps no state while the lock is free. */
    @Override
    public Lockable lock(K key) {
        return new OfKey(Objects.requireNonNull(key, "key"));
    }

    /** Runs {@code work} while holding the lock of the key; see {@link Lockable#withLock(Mono)}. */
    @Override
    public <T> Mono<T> withLock(K key, Mono<T> work) {
        return lock(key).withLock(work);
    }

    /** Runs {@code work} while holding the lock of the key; see {@link Lockable#withLock(Flux)}. */
    @Override
    public <T> Flux<T> withLock(K key, Flux<T> work) {
        return lock(key).withLock(work);
    }

    /** Returns the number of keys that are held now. */
    public int size() {
        return locks.size();
    }

    private String nameOf(K key) {
        return "lock of " + Log.text(key) + " in " + this;
    }

    /** {@code <KeyedLock [2 keys]>}. */
    @Override
    public String toString() {
        return "<KeyedLock [" + size() + " keys]>";
    }

    /** The lock of a held key. It is acquired only through the map's entry, and leaves the map when it is free. */
    private final class Used extends Lock {
        private final K key;

        Used(K key) {
            this.key = key;
        }

        @Override
        void freed() {
            locks.computeIfPresent(key, (k, lock) -> lock == this && !locked() ? null : lock);
        }

        @Override
        public String toString() {
            return nameOf(key);
        }
    }

    /** Passes the key's lock to an action after which it is held, so that it cannot leave the map in between. */
    private void use(K key, Consumer<? super Used> want) {
        locks.compute(key, (k, lock) -> {
            Used used = lock == null ? newLock(k) : lock;
            want.accept(used);
            return used;
        });
    }

    private Used newLock(K key) {
        Used lock = new Used(key);
        if (reclaims) {
            lock.reclaimDropped();
        }
        return lock;
    }

    /**
     * Like {@link Lock#reclaimDropped()}, for the keys used from now on.
     *
     * @return this
     */
    public KeyedLock<K> reclaimDropped() {
        reclaims = true;
        return this;
    }

    private boolean enter(K key, LockAcquisition acquisition) {
        boolean[] entered = new boolean[1];
        use(key, lock -> {
            acquisition.lock = lock;
            entered[0] = lock.enter(acquisition);
        });
        return entered[0] && acquisition.accept();
    }

    private final class OfKey extends Lockable {
        private final K key;

        OfKey(K key) {
            this.key = key;
        }

        @Override
        public boolean tryAcquire() {
            boolean[] taken = new boolean[1];
            use(key, lock -> taken[0] = lock.tryAcquire());
            return taken[0];
        }

        @Override
        public void release() {
            Used lock = locks.get(key);
            if (lock == null) {
                throw new IllegalMonitorStateException("release() of a lock that is not held: " + this);
            }
            lock.release();
        }

        @Override
        public boolean locked() {
            Used lock = locks.get(key);
            return lock != null && lock.locked();
        }

        @Override
        public int waiters() {
            Used lock = locks.get(key);
            return lock == null ? 0 : lock.waiters();
        }

        @Override
        public Statistics statistics() {
            Used lock = locks.get(key);
            return lock == null ? new Statistics(1, 0) : lock.statistics();
        }

        @Override
        boolean reclaims() {
            return reclaims;
        }

        /** False: permits belong to the lock, not to the view. */
        @Override
        boolean holds(PermitWatch watch) {
            return false;
        }

        @Override
        void reclaim(PermitWatch watch) {
            throw new IllegalStateException("a view has no permits: " + this);
        }

        /** True: the lock of a key cannot be looked at without calling the key's methods. */
        @Override
        boolean looksTaken() {
            return true;
        }

        @Override
        @Nullable HeldPermit take(int one) {
            @Nullable HeldPermit[] taken = new @Nullable HeldPermit[1];
            use(key, lock -> taken[0] = lock.take(1));
            return taken[0];
        }

        @Override
        Suspension<HeldPermit> waiter(CoreSubscriber<? super HeldPermit> actual, int one, @Nullable Duration limit) {
            return new LockAcquisition(actual, limit) {
                @Override
                protected boolean begin() {
                    return enter(OfKey.this.key, this);
                }
            };
        }

        @Override
        public String toString() {
            return nameOf(key);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.NAME ? toString() : null;
        }
    }
}
