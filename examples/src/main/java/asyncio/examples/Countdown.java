package asyncio.examples;

import asyncio.ColdMono;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/** A primitive of one's own: waiters resume when a counter reaches zero, as with a {@code CountDownLatch}. */
public final class Countdown {
    private final WaitQueue<CountdownSuspension> waiters = new WaitQueue<>(); // guarded by this
    private int count; // guarded by this

    /** Starts at {@code count}. */
    public Countdown(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("Cannot count down from " + count + ": 0 at least");
        }
        this.count = count;
    }

    /** Completes at zero. Cancelling leaves the waiters. */
    public Mono<Void> await() {
        return new MonoAwait(this, null);
    }

    /** As {@link #await()}; fails with a {@code TimeoutException} after {@code limit}. */
    public Mono<Void> await(Duration limit) {
        return new MonoAwait(this, limit);
    }

    /** Counts down by one, unless the count is zero; from any thread. */
    public void countDown() {
        WaitQueue<CountdownSuspension> granted = new WaitQueue<>();
        synchronized (this) {
            if (count == 0 || --count > 0) {
                return;
            }
            for (CountdownSuspension next; (next = waiters.poll()) != null; ) {
                if (next.grant()) {
                    granted.add(next);
                }
            }
        }
        granted.deliverAll(); // outside of the monitor, since subscribers may run here
    }

    /** Returns the present count. */
    public synchronized int count() {
        return count;
    }

    /** True if the count is zero; else the suspension waits. */
    synchronized boolean enter(CountdownSuspension suspension) {
        if (count > 0 && suspension.waits()) { // false if it was cancelled a moment ago
            waiters.add(suspension);
            return false;
        }
        return suspension.grant();
    }

    synchronized void leave(CountdownSuspension suspension) {
        waiters.remove(suspension);
    }

    @Override
    public String toString() {
        return "<Countdown [count:" + count() + "]>";
    }
}

/** The publisher: cold, and made anew for each call. Its class gives the name in reports: {@code await(...)}. */
final class MonoAwait extends ColdMono<Void> {
    private final Countdown countdown;
    private final @Nullable Duration limit;

    MonoAwait(Countdown countdown, @Nullable Duration limit) {
        super(MonoAwait.class);
        this.countdown = countdown;
        this.limit = limit;
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(suspend(actual));
    }

    /** A body waits on the suspension itself, without a subscription. */
    @Override
    protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
        return new CountdownSuspension(countdown, actual, limit);
    }

    @Override
    public String toString() {
        return "await() of " + countdown;
    }
}

/** One subscriber. */
final class CountdownSuspension extends Suspension<Void> {
    private final Countdown countdown;

    CountdownSuspension(Countdown countdown, CoreSubscriber<? super Void> actual, @Nullable Duration limit) {
        super(actual, limit);
        this.countdown = countdown;
    }

    boolean waits() {
        return isWaiting();
    }

    /** Settles it; {@code deliver} follows, outside of the monitor. */
    boolean grant() {
        return grant(null);
    }

    @Override
    protected boolean begin() {
        return countdown.enter(this);
    }

    /** Cancelled, or timed out. */
    @Override
    protected void leave() {
        countdown.leave(this);
    }

    /** Granted, but cancelled before it resumed: an end has nothing to give back. */
    @Override
    public void giveBack(@Nullable Void value) {}

    @Override
    protected String target() {
        return countdown.toString();
    }
}
