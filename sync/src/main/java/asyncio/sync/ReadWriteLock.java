package asyncio.sync;

import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * A lock held by any number of readers, or by one writer. It is fair, first come, first served: a writer waits only for
 * the readers before it, and later readers wait for the writer.
 *
 * <p>It is not reentrant, and a reader cannot become a writer: it would wait for itself.
 *
 * <pre>{@code
 * ReadWriteLock lock = new ReadWriteLock();
 * Mono<Page> read = lock.readLock().withLock(load());
 * Mono<Void> write = lock.writeLock().withLock(save(page));
 * }</pre>
 *
 * <p>asyncio has no equivalent; java.util.concurrent's {@code ReentrantReadWriteLock} in its fair mode comes closest.
 */
public final class ReadWriteLock implements AsyncReadWriteLock {
    /** A writer takes all permits. */
    private static final int ALL = Integer.MAX_VALUE;

    /** It cannot have more permits: the number would overflow. */
    private final Semaphore permits = new Semaphore(ALL) {
        @Override
        int shown(int n) {
            return 1;
        }

        @Override
        String target(int n) {
            return (n == ALL ? writer : readers).toString();
        }
    };

    private final Side readers = new Side(1);
    private final Side writer = new Side(ALL);

    /** Creates a lock that is free. */
    public ReadWriteLock() {}

    /** Returns the lock for reading. */
    @Override
    public Lockable readLock() {
        return readers;
    }

    /** Returns the lock for writing. */
    @Override
    public Lockable writeLock() {
        return writer;
    }

    /**
     * Like {@link Lock#reclaimDropped()}.
     *
     * @return this
     */
    public ReadWriteLock reclaimDropped() {
        permits.reclaimDropped();
        return this;
    }

    private int held() {
        return ALL - permits.permits();
    }

    /** {@code <ReadWriteLock [2 readers, waiters:1]>}. */
    @Override
    public String toString() {
        int held = held();
        int waiters = permits.waiters();
        return "<ReadWriteLock [" + (held == 0 ? "unlocked" : held == ALL ? "writer" : held + " readers")
                + (waiters > 0 ? ", waiters:" + waiters : "") + "]>";
    }

    private final class Side extends Lockable {
        private final int needed;

        Side(int needed) {
            this.needed = needed;
        }

        @Override
        public boolean tryAcquire() {
            return permits.tryAcquire(needed);
        }

        @Override
        public void release() {
            if (!locked()) {
                throw new IllegalMonitorStateException("release() of a lock that is not held: " + this);
            }
            permits.release(needed);
        }

        @Override
        boolean looksTaken() {
            return locked();
        }

        @Override
        public boolean locked() {
            int held = held();
            return needed == ALL ? held == ALL : held > 0 && held < ALL;
        }

        @Override
        public int waiters() {
            return permits.waitingFor(needed);
        }

        @Override
        public Statistics statistics() {
            int held = held();
            return new Statistics(needed == ALL ? held == 0 ? 1 : 0 : ALL - held, waiters());
        }

        @Override
        boolean reclaims() {
            return permits.reclaims();
        }

        /** False: permits belong to the semaphore, not to the view. */
        @Override
        boolean holds(PermitWatch watch) {
            return false;
        }

        @Override
        void reclaim(PermitWatch watch) {
            throw new IllegalStateException("a view has no permits: " + this);
        }

        @Override
        @Nullable HeldPermit take(int one) {
            return permits.take(needed);
        }

        @Override
        Suspension<HeldPermit> waiter(CoreSubscriber<? super HeldPermit> actual, int one, @Nullable Duration limit) {
            return permits.waiter(actual, needed, limit);
        }

        @Override
        public String toString() {
            return (needed == ALL ? "write lock of " : "read lock of ") + ReadWriteLock.this;
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.NAME ? toString() : key == Attr.PARENT ? permits : null;
        }
    }
}
