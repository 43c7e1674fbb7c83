package asyncio.sync;

import asyncio.CancelledException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/**
 * One who waits on a {@link Condition}: first among its waiters, then, having been signalled or told to end, in the
 * line of the lock. All its state is guarded by the lock's monitor.
 */
final class ConditionWait extends LockWaiter<Void> {
    private final Condition condition;
    /** What held the lock before, and will again. */
    private @Nullable Object token;

    private boolean signalled;
    /**
     * What it ends with when it has the lock again; the latest counts, as in asyncio, but a deadline replaces no
     * cancellation, and another cancellation none of the same tick.
     */
    private @Nullable Throwable error;

    private boolean justCancelled;

    ConditionWait(Condition condition, CoreSubscriber<? super Void> actual, @Nullable Duration limit) {
        super(actual, limit);
        this.condition = condition;
    }

    @Override
    protected boolean begin() {
        Turn next;
        synchronized (condition.lock) {
            if (!isWaiting()) {
                return false;
            }
            token = condition.checkHeld("await()");
            condition.waiters.add(this);
            next = condition.lock.giveUp(token);
        }
        if (next != null) {
            next.pass();
        }
        return false;
    }

    /** It goes to the line of the lock, being signalled; true if it has the lock, and is to be told. */
    boolean signal() {
        signalled = true;
        return condition.lock.rejoin(this);
    }

    @Override
    Object token() {
        return Objects.requireNonNull(token, "a waiter that has begun");
    }

    @Override
    boolean takeLock() {
        return error == null ? grant(null) : fail(error);
    }

    /** Only with the lock. */
    @Override
    protected boolean endEarly(Throwable error) {
        ConditionWait next = null;
        boolean now = false;
        boolean tickBegins = false;
        synchronized (condition.lock) {
            if (token == null || !isWaiting()) {
                return false;
            }
            if (!(this.error instanceof CancelledException) || error instanceof CancelledException && !justCancelled) {
                this.error = error;
            }
            if (error instanceof CancelledException && !justCancelled) {
                justCancelled = true;
                tickBegins = true;
            }
            if (condition.waiters.remove(this)) {
                now = condition.lock.rejoin(this);
            } else {
                next = passOn();
            }
        }
        if (tickBegins) {
            later(this::tickOfCancellationIsOver);
        }
        if (now) {
            deliver();
        }
        if (next != null) {
            next.deliver();
        }
        return true;
    }

    private void tickOfCancellationIsOver() {
        synchronized (condition.lock) {
            justCancelled = false;
        }
    }

    /** Without the lock: its subscriber is gone. */
    @Override
    protected void leave() {
        ConditionWait next = null;
        synchronized (condition.lock) {
            if (!condition.waiters.remove(this)) {
                condition.lock.leave(this);
                next = passOn();
            }
        }
        if (next != null) {
            next.deliver();
        }
    }

    /** It has the lock, but its task was cancelled, and will release it. */
    @Override
    public void giveBack(@Nullable Void value) {
        ConditionWait next;
        synchronized (condition.lock) {
            next = passOn();
        }
        if (next != null) {
            next.deliver();
        }
    }

    /** It has the lock, but nobody is there who could release it. */
    @Override
    protected void undelivered(@Nullable Void value, @Nullable Throwable error) {
        Object token = this.token;
        if (token == null) { // it never had let go of the lock
            super.undelivered(null, error);
            return;
        }
        giveBack(null);
        condition.lock.release(token);
    }

    /** Its signal goes to the next; who is to be told, or null. */
    private @Nullable ConditionWait passOn() {
        if (!signalled) {
            return null;
        }
        signalled = false;
        return condition.signalOne();
    }

    @Override
    protected String target() {
        return condition.toString();
    }
}
