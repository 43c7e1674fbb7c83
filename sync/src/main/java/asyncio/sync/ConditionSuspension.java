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
 * A waiter on a {@link Condition}: first among its waiters, then, after it was signalled or requested to end, in the
 * line for the lock. Its state is guarded by the lock's monitor.
 *
 * <p>One that operators dispose of joins the line too if a task or a scope that waits for clean-ups is behind it: those
 * must not resume before their permit holds the lock again.
 */
final class ConditionSuspension extends LockWaiter<Void> {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    private final Condition condition;
    /** The clean-up to report; null if nothing waits for it, or only a subscriber that can request it to end. */
    private Cleanups.@Nullable Work work;
    /** Whether the permit was released in the meantime. */
    private boolean forgone;
    /** Whether it had to wait for the lock after it was disposed of. */
    private boolean late;
    /** The holder of the lock, before and after. */
    private @Nullable Object token;

    private boolean signalled;
    /**
     * The error to end with once it has the lock again. The latest counts, as in asyncio, but a deadline does not
     * replace a cancellation, nor does another cancellation one of the same tick.
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

    /** Signals it: it joins the line for the lock; true if it has the lock and must be notified. */
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

    /** Returns whether it was disposed of and will reacquire its lock. */
    private boolean isReturning() {
        return work != null && !forgone && isCancelled();
    }

    @Override
    boolean waits() {
        return super.waits() || isReturning();
    }

    /**
     * Notes that its permit is released, so that it need not reacquire the lock if it is disposed of. Under the
     * monitor; {@link #forgone} follows.
     */
    void forgo() {
        forgone = true;
        if (isCancelled()) {
            condition.lock.leave(this);
        }
    }

    /** Ends it if it was disposed of; otherwise it continues unchanged. */
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

    /** Ends it early, but only with the lock. */
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

    /** Leaves after its subscriber has: without the lock, unless a clean-up waits until it has reacquired it. */
    @Override
    protected void leave() {
        ConditionSuspension next = null;
        boolean now = false;
        synchronized (condition.lock) {
            if (token == null) {
                return; // it had never released the lock
            }
            if (work != null) {
                work.cancelled();
            }
            boolean signalled = !condition.waiters.remove(this);
            if (isReturning()) {
                now = !signalled && condition.lock.rejoin(this); // else it is already in the line
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
        } finally { // the signal belongs to the next waiter even if a subscriber throws
            if (next != null) {
                next.deliver();
            }
        }
    }

    /** Warns that two may have been inside the lock at once. */
    private void reportIfMissed() {
        if (late && work != null && work.wasCutOff()) {
            LOG.warn("An operator after await() of " + condition + " has cut it off (timeout, firstWithSignal ...), and"
                    + " the code after it did not wait until it held the lock again. Use await(Duration), or"
                    + " waitFor(...) as the last operator, which wait");
        }
    }

    /** Passes on its signal: it has the lock, but its task was cancelled and will release it. */
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

    /** Releases the lock it was granted, unless it had reacquired it for a task or a scope that will release it. */
    @Override
    protected void undelivered(@Nullable Void value, @Nullable Throwable error) {
        Object token = this.token;
        if (token == null) { // it had never released the lock
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

    /** Passes its signal to the next waiter; returns that to notify, or null. */
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
