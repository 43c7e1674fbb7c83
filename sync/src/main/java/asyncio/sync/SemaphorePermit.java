package asyncio.sync;

import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/** The permit of an acquisition that did not wait. */
final class SemaphorePermit implements HeldPermit {
    private static final AtomicIntegerFieldUpdater<SemaphorePermit> HELD =
            AtomicIntegerFieldUpdater.newUpdater(SemaphorePermit.class, "held");

    private final Semaphore semaphore;
    private final int permits;
    private volatile int held;

    SemaphorePermit(Semaphore semaphore, int permits) {
        this.semaphore = semaphore;
        this.permits = permits;
        this.held = permits;
    }

    @Override
    public @Nullable Turn free() {
        int n = HELD.getAndSet(this, 0);
        return n == 0 ? null : semaphore.free(n);
    }

    @Override
    public int permits() {
        return semaphore.shown(permits);
    }

    @Override
    public boolean isReleased() {
        return held == 0;
    }

    @Override
    public String toString() {
        return "<" + semaphore.target(permits) + ">";
    }
}
