package asyncio.sync;

import org.jspecify.annotations.Nullable;

/** The permit of an acquisition that did not wait. */
final class LockPermit implements HeldPermit {
    private final Lock lock;

    LockPermit(Lock lock) {
        this.lock = lock;
    }

    @Override
    public @Nullable Turn free() {
        return lock.free(this);
    }

    @Override
    public int permits() {
        return 1;
    }

    @Override
    public boolean isReleased() {
        return !lock.isHeldBy(this);
    }

    @Override
    public String toString() {
        return "<permit of " + lock + ">";
    }
}
