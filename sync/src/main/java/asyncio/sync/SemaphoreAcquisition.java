package asyncio.sync;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for permits of a semaphore, and also the permit that it receives. */
final class SemaphoreAcquisition extends Suspension<HeldPermit> implements HeldPermit, Turn {
    private static final AtomicIntegerFieldUpdater<SemaphoreAcquisition> STAGE =
            AtomicIntegerFieldUpdater.newUpdater(SemaphoreAcquisition.class, "stage");
    /** Granted from the line; the subscriber has not resumed. */
    private static final int WAKING = 1;

    private static final int HELD = 2;
    private static final int RELEASED = 3;

    private final Semaphore semaphore;
    private final int permits;
    /** 0 until it has its permits. */
    private volatile int stage;

    private @Nullable PermitWatch watch;

    SemaphoreAcquisition(
            Semaphore semaphore, CoreSubscriber<? super HeldPermit> actual, int permits, @Nullable Duration limit) {
        super(actual, limit);
        this.semaphore = semaphore;
        this.permits = permits;
    }

    @Override
    protected boolean begin() {
        return semaphore.enter(this);
    }

    @Override
    protected void leave() {
        semaphore.leave(this);
    }

    /** Makes the loop visible to {@link Semaphore}, in this package. */
    @Nullable EventLoop resumingLoop() {
        return loop();
    }

    boolean waits() {
        return isWaiting();
    }

    /** Settles it with permits it got without waiting; false if it is cancelled. */
    boolean takeAtOnce() {
        stage = HELD;
        return grant(this);
    }

    /** Watches the permit if an operator may drop it. */
    private void watch() {
        if (!isAwaitedByBody() && WithPermitSubscriber.mayBeDroppedBy(actual())) {
            PermitWatch watch = new PermitWatch(this, semaphore, permits, origin());
            this.watch = watch;
            semaphore.watch(watch);
        }
    }

    /** Grants its permits from the line, under the monitor; false if it has left that. */
    boolean wake() {
        stage = WAKING;
        return grant(this);
    }

    @Override
    public void pass() {
        deliver();
        semaphore.passMore();
    }

    @Override
    public @Nullable HeldPermit take(@Nullable HeldPermit value) {
        if (STAGE.compareAndSet(this, WAKING, HELD)) {
            Turn next = semaphore.awake(this, 0);
            if (next != null) {
                next.pass();
            }
        }
        watch();
        return this;
    }

    @Override
    public void giveBack(@Nullable HeldPermit value) {
        release();
    }

    @Override
    public @Nullable Turn free() {
        PermitWatch watch = this.watch;
        if (watch != null && !semaphore.unwatch(watch)) {
            return null; // released, or reclaimed
        }
        return switch (STAGE.getAndSet(this, RELEASED)) {
            case WAKING -> semaphore.awake(this, permits);
            case HELD -> semaphore.free(permits);
            default -> null;
        };
    }

    int wanted() {
        return permits;
    }

    @Override
    public int permits() {
        return semaphore.shown(permits);
    }

    @Override
    public boolean isReleased() {
        return stage == RELEASED;
    }

    @Override
    protected String target() {
        return semaphore.target(permits);
    }

    @Override
    public String toString() {
        return stage == 0 ? super.toString() : "<" + target() + ">";
    }
}
