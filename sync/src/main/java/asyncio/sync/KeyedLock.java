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
 * A lock for each key: work on the same key is done one after the other, work on different keys at the same time. A
 * key's lock exists only while it is used, so that any number of keys may come and go.
 *
 * <pre>{@code
 * KeyedLock<UserId> locks = new KeyedLock<>();
 * Mono<Receipt> receipt = locks.withLock(order.user(), charge(order));
 * }</pre>
 *
 * <p>asyncio has none.
 *
 * @param <K> the type of the keys, with {@code equals} and {@code hashCode}
 */
public final class KeyedLock<K> {
    private final ConcurrentHashMap<K, Used> locks = new ConcurrentHashMap<>();

    private volatile boolean reclaims;

    /** One without keys. */
    public KeyedLock() {}

    /** The lock of a key; a view, which needs no memory while nobody holds it or waits. */
    public Lockable lock(K key) {
        return new OfKey(Objects.requireNonNull(key, "key"));
    }

    /** Runs {@code work} while holding the lock of the key; see {@link Lockable#withLock(Mono)}. */
    public <T> Mono<T> withLock(K key, Mono<T> work) {
        return lock(key).withLock(work);
    }

    /** Runs {@code work} while holding the lock of the key; see {@link Lockable#withLock(Flux)}. */
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

    /**
     * The lock of a key that is held. Who wants it comes through the map's entry; it leaves the map when it is free.
     */
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

    /** Wants the key's lock, which is held afterwards: so it cannot leave the map before. */
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
     * As {@link Lock#reclaimDropped()}, for the keys that are used from now on.
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

        /** Permits are those of the lock itself. */
        @Override
        boolean holds(PermitWatch watch) {
            return false;
        }

        @Override
        void reclaim(PermitWatch watch) {
            throw new IllegalStateException("no permit is of a view: " + this);
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
