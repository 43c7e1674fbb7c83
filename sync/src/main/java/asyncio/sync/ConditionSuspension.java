package asyncio.sync;

import asyncio.CancelledException;
import asyncio.Cleanups;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * A waiter on a {@link Condition}: first among its waiters, then, having been signalled or told to end, in the line of
 * the lock. All its state is guarded by the lock's monitor.
 *
 * <p>One that operators dispose of, behind which there is a task or a scope that waits for clean-ups, goes to the line
 * as well: they must not go on before the lock is their permit's again.
 */
final class ConditionSuspension extends LockWaiter<Void> {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    private final Condition condition;
    /** Null if nobody waits for it, or somebody who can ask it to end. */
    private Cleanups.@Nullable Work work;
    /** The permit was released meanwhile. */
    private boolean forgone;
    /** Disposed of, it had to wait for the lock. */
    private boolean late;
    /** The holder of the lock, before and after. */
    private @Nullable Object token;

    private boolean signalled;
    /**
     * The error that it ends with when it has the lock again; the latest counts, as in asyncio, but a deadline replaces
     * no cancellation, and another cancellation none of the same tick.
     */
    private @Nullable Throwable error;

    private boolean justCancelled;

    ConditionSuspension(Condition condition, CoreSubscriber<? super Void> actual, @Nullable Duration limit) {
        super(actual, limit);
        this.condition = condition;
    }

    @Override
    protected boolean begin() {
        if (!isAwait(actual())) {
            work = Cleanups.work(actual());
        }
        Turn next = null;
        synchronized (condition.lock) {
            if (isWaiting()) {
                token = condition.checkHeld("await()");
                condition.waiters.add(this);
                if (work != null) {
                    condition.lock.expect(this);
                }
                next = condition.lock.giveUp(token);
            }
        }
        if (token == null) {
            turn(); // it was cancelled a moment ago
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
        if (work != null) {
            condition.lock.expectNoLonger(this);
        }
        return isReturning() || (error == null ? grant(null) : fail(error));
    }

    /** Whether it was disposed of, and comes back for its lock. */
    private boolean isReturning() {
        return work != null && !forgone && isCancelled();
    }

    @Override
    boolean waits() {
        return super.waits() || isReturning();
    }

    /** Its permit is released: disposed of, it need not come back. Under the monitor; {@link #forgone} follows. */
    void forgo() {
        forgone = true;
        if (isCancelled()) {
            condition.lock.leave(this);
        }
    }

    /** If it has not been disposed of yet, it goes on as if nothing had happened. */
    void forgone() {
        if (isCancelled()) {
            reportIfMissed();
            turn();
        }
    }

    @Override
    protected void turn() {
        if (work != null) {
            work.over();
        }
    }

    /** Only with the lock. */
    @Override
    protected boolean endEarly(Throwable error) {
        ConditionSuspension next = null;
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
        try {
            if (now) {
                deliver();
            }
        } finally {
            if (next != null) {
                next.deliver();
            }
        }
        return true;
    }

    private void tickOfCancellationIsOver() {
        synchronized (condition.lock) {
            justCancelled = false;
        }
    }

    /** Its subscriber is gone: without the lock, unless somebody waits for it to come back. */
    @Override
    protected void leave() {
        ConditionSuspension next = null;
        boolean now = false;
        synchronized (condition.lock) {
            if (token == null) {
                return; // it never had let go of the lock
            }
            if (work != null) {
                work.cancelled();
            }
            boolean signalled = !condition.waiters.remove(this);
            if (isReturning()) {
                now = !signalled && condition.lock.rejoin(this); // else it stands in the line
                late = !now;
            } else {
                condition.lock.leave(this);
                condition.lock.expectNoLonger(this);
            }
            next = signalled ? passOn() : null;
        }
        try {
            if (now) {
                deliver();
            } else if (forgone) {
                turn();
            }
        } finally { // the signal is the next one's, whatever a subscriber throws
            if (next != null) {
                next.deliver();
            }
        }
    }

    /** Two may have been where one should be. */
    private void reportIfMissed() {
        if (late && work != null && work.wasCutOff()) {
            LOG.warn(
                    "An operator behind await() of " + condition + " has cut it off (timeout, firstWithSignal ...), and"
                            + " the code after it did not wait until it held the lock again. Use await(Duration), or"
                            + " waitFor(...) as the last operator, which wait");
        }
    }

    /** It has the lock, but its task was cancelled, and will release it. */
    @Override
    public void giveBack(@Nullable Void value) {
        ConditionSuspension next;
        synchronized (condition.lock) {
            next = passOn();
        }
        if (next != null) {
            next.deliver();
        }
    }

    /** It has the lock, but nobody is there who could release it, unless it came back for it. */
    @Override
    protected void undelivered(@Nullable Void value, @Nullable Throwable error) {
        Object token = this.token;
        if (token == null) { // it never had let go of the lock
            super.undelivered(null, error);
            return;
        }
        giveBack(null);
        if (work == null || forgone) {
            condition.lock.release(token);
        } else {
            reportIfMissed();
        }
    }

    /** Its signal goes to the next; who is to be told, or null. */
    private @Nullable ConditionSuspension passOn() {
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
