package asyncio.sync;

import asyncio.EventLoop;
import asyncio.WaitQueue;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The permits of a {@link RateLimiter}, added over time, and the line of waiters for them. Nothing runs while there are
 * no waiters: the number of permits is computed on demand. While there is a line, one timer is set, for the first
 * waiter; its clock is used until it leaves.
 *
 * <p>Everything is guarded by the monitor, under which no waiter is notified.
 */
final class TokenBucket {
    private final Rate rate;
    private final WaitQueue<RateAcquisition> line = new WaitQueue<>();
    /** The waiters that have been granted permits and have not resumed: they must not be overtaken on their loop. */
    private final GrantedCounter waking = new GrantedCounter();

    /** The credit at {@link #asOf}, in units of the rate. */
    private long credit;

    /** The time of {@link #credit}, by {@link #clock}. */
    private long asOf;

    private Scheduler clock = Schedulers.parallel();
    /** The timer of the first in line, while there is one. */
    private Disposable timer = Disposables.disposed();

    private long timerDue;
    /** Moves the timer if its loop is closed, so that the waiters are not forgotten. */
    private @Nullable Disposable closing;

    /** A loop that is known to be closing: a timer on it would be dropped. */
    private @Nullable EventLoop closingLoop;

    TokenBucket(Rate rate) {
        this.rate = rate;
        credit = rate.full();
        asOf = now();
    }

    // ---- looking at it

    /** Returns the number of permits available now. */
    synchronized int permits() {
        if (line.isEmpty()) {
            count(clockOf(EventLoop.runningOrNull()));
        }
        refresh();
        return (int) Math.min(rate.burst(), credit / rate.cost());
    }

    synchronized int waiting() {
        return line.size();
    }

    synchronized List<RateAcquisition> line() {
        return line.snapshot();
    }

    /** Returns whether its state equals that of a new bucket. */
    synchronized boolean isIdle() {
        return line.isEmpty() && waking.isEmpty() && permits() == rate.burst();
    }

    /** Returns the timer if it is not on the given loop, on which a waiter waits for it as for an outside event. */
    synchronized @Nullable Disposable foreignTimer(@Nullable EventLoop loop) {
        return line.isEmpty() || clock == clockOf(loop) ? null : timer;
    }

    // ---- taking

    /** Takes available permits, unless others wait or are about to resume on this loop. */
    synchronized boolean take(int n, @Nullable EventLoop loop) {
        return !waking.anyOn(loop) && tryTake(n, loop);
    }

    /** Takes available permits, unless others wait. */
    synchronized boolean tryTake(int n, @Nullable EventLoop loop) {
        if (!line.isEmpty()) {
            return false;
        }
        count(clockOf(loop));
        refresh();
        return takeFrom(rate.costOf(n));
    }

    private boolean takeFrom(long cost) {
        if (credit < cost) {
            return false;
        }
        credit -= cost;
        return true;
    }

    /** Takes permits or joins the line; true if it has them. */
    synchronized boolean enter(RateAcquisition acquisition) {
        if (!acquisition.waits()) {
            return false; // cancelled before it joined
        }
        if (take(acquisition.wanted(), acquisition.resumingLoop())) {
            return true;
        }
        line.add(acquisition);
        return false;
    }

    /**
     * Grants the waiters that can be granted, after a waiter has joined or left or permits were added. Outside the
     * monitor.
     */
    void advance() {
        WaitQueue<RateAcquisition> granted = null;
        synchronized (this) {
            for (RateAcquisition first; (first = line.peek()) != null; ) {
                count(clockOf(first.resumingLoop()));
                refresh();
                if (!takeFrom(rate.costOf(first.wanted()))) {
                    break;
                }
                line.poll();
                if (!first.wake()) {
                    credit += rate.costOf(first.wanted()); // it was cancelled and is about to leave
                    continue;
                }
                waking.add(first.resumingLoop());
                granted = granted == null ? new WaitQueue<>() : granted;
                granted.add(first);
            }
            setTimer();
        }
        if (granted != null) {
            granted.deliverAll();
        }
    }

    void leave(RateAcquisition acquisition) {
        boolean was;
        synchronized (this) {
            was = line.remove(acquisition);
        }
        if (was) {
            advance();
        }
    }

    /** Notes that a waiter granted from the line resumes. */
    synchronized void awake(RateAcquisition acquisition) {
        waking.remove(acquisition.resumingLoop());
    }

    /** Returns the permits of a waiter that was cancelled before it resumed. */
    void giveBack(int n) {
        synchronized (this) {
            refresh();
            credit = Math.min(rate.full(), credit + rate.costOf(n));
        }
        advance();
    }

    // ---- time

    private long now() {
        return clock.now(TimeUnit.NANOSECONDS);
    }

    /** Returns the loop's clock; without an open loop, that of {@code Schedulers.parallel()}. */
    private Scheduler clockOf(@Nullable EventLoop loop) {
        return loop == null || loop == closingLoop || loop.isClosed() ? Schedulers.parallel() : loop.scheduler();
    }

    /** Counts the credit up to now by the old clock, and from now on by the given one. */
    private void count(Scheduler next) {
        if (clock != next) {
            refresh();
            stopTimer();
            clock = next;
            asOf = now();
        }
    }

    private void refresh() {
        long now = now();
        long elapsed = now - asOf;
        asOf = now;
        if (elapsed > 0) {
            // the first in line, which may need a full burst, was due within a nanosecond: the rest of that is not lost
            long most = rate.full() + (line.isEmpty() ? 0 : rate.gain() - 1);
            credit = elapsed >= rate.nanosFor(most - credit) ? most : credit + elapsed * rate.gain();
        }
    }

    /** Sets the timer for the first in line, on its clock. */
    private void setTimer() {
        RateAcquisition first = line.peek();
        if (first == null) {
            stopTimer();
            return;
        }
        long wait = rate.nanosFor(rate.costOf(first.wanted()) - credit);
        if (!timer.isDisposed() && timerDue == asOf + wait) {
            return;
        }
        stopTimer();
        EventLoop loop = first.resumingLoop();
        try {
            timer = clock.schedule(this::due, wait, TimeUnit.NANOSECONDS);
            if (clock != Schedulers.parallel() && loop != null) {
                // on another thread, since this may run immediately, under the monitor
                closing = loop.onClose(() -> Schedulers.parallel().schedule(() -> closes(loop)));
            }
        } catch (RejectedExecutionException closedMeanwhile) {
            count(Schedulers.parallel());
            timer = clock.schedule(this::due, wait, TimeUnit.NANOSECONDS);
        }
        timerDue = asOf + wait;
    }

    private void due() {
        synchronized (this) {
            stopTimer();
        }
        advance();
    }

    private void closes(EventLoop loop) {
        synchronized (this) {
            closingLoop = loop;
            stopTimer();
        }
        advance();
    }

    private void stopTimer() {
        timer.dispose();
        timer = Disposables.disposed();
        if (closing != null) {
            closing.dispose();
            closing = null;
        }
    }

    @Override
    public String toString() {
        int waiters = waiting();
        return rate + (waiters > 0 ? ", waiters:" + waiters : ", permits:" + permits());
    }
}
