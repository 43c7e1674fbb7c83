package asyncio.sync;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for a lock, and also the permit that it receives. */
class LockAcquisition extends LockWaiter<HeldPermit> implements HeldPermit {
    /** Null until it requests the lock of a key. */
    volatile @Nullable Lock lock;
    /** The token that holds the lock: this, or its watch. */
    private @Nullable Object token;

    LockAcquisition(CoreSubscriber<? super HeldPermit> actual, @Nullable Duration limit) {
        super(actual, limit);
    }

    LockAcquisition(Lock lock, CoreSubscriber<? super HeldPermit> actual, @Nullable Duration limit) {
        this(actual, limit);
        this.lock = lock;
    }

    private Lock lock() {
        return Objects.requireNonNull(lock, "the lock of an acquisition that has begun");
    }

    @Override
    protected boolean begin() {
        return lock().enter(this) && accept();
    }

    /** Settles it with the lock that it got without waiting; false if it has been cancelled in the meantime. */
    final boolean accept() {
        if (takeLock()) {
            return true;
        }
        release();
        return false;
    }

    @Override
    protected void leave() {
        Lock lock = this.lock;
        if (lock != null) {
            lock.leave(this);
        }
    }

    @Override
    Object token() {
        Object token = this.token;
        if (token == null) {
            token = WithPermitSubscriber.mayBeDroppedBy(actual()) && !isAwaitedByBody()
                    ? new PermitWatch(this, lock(), 1, origin())
                    : this;
            this.token = token;
        }
        return token;
    }

    @Override
    boolean takeLock() {
        return grant(this);
    }

    @Override
    public void giveBack(@Nullable HeldPermit value) {
        release();
    }

    @Override
    public @Nullable Turn free() {
        return lock().free(token());
    }

    @Override
    public int permits() {
        return 1;
    }

    @Override
    public boolean isReleased() {
        return !lock().isHeldBy(token());
    }

    @Override
    protected String target() {
        return String.valueOf(lock);
    }

    @Override
    public String toString() {
        return token == null || waits() ? super.toString() : "<permit of " + lock + ">";
    }
}
