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
 * The permits of a {@link RateLimiter} as they come with time, and the line of those who wait for them. Nothing runs
 * while nobody waits: how many have come is worked out when somebody asks. While there is a line, one timer is set, for
 * the first in it; that one's clock counts until it leaves.
 *
 * <p>Everything is guarded by the monitor, under which nobody is told.
 */
final class TokenBucket {
    private final Rate rate;
    private final WaitQueue<RateAcquisition> line = new WaitQueue<>();
    /** The waiters that have been granted permits and have not resumed: not to be overtaken on their loop. */
    private final GrantedCounter waking = new GrantedCounter();

    /** The credit at {@link #asOf}, in units of the rate. */
    private long credit;

    /** By {@link #clock}. */
    private long asOf;

    private Scheduler clock = Schedulers.parallel();
    /** Of the first in line, while there is one. */
    private Disposable timer = Disposables.disposed();

    private long timerDue;
    /** Sees to it that those in line are not forgotten with a loop that is closed over the timer. */
    private @Nullable Disposable closing;

    /** One that has been seen to close: a timer there would be dropped. */
    private @Nullable EventLoop closingLoop;

    TokenBucket(Rate rate) {
        this.rate = rate;
        credit = rate.full();
        asOf = now();
    }

    // ---- looking at it

    /** Returns the number of permits that are there now. */
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

    /** Whether it is as a new one would be. */
    synchronized boolean isIdle() {
        return line.isEmpty() && waking.isEmpty() && permits() == rate.burst();
    }

    /** The timer, if it is not on that loop: what one who waits there waits for from outside. */
    synchronized @Nullable Disposable foreignTimer(@Nullable EventLoop loop) {
        return line.isEmpty() || clock == clockOf(loop) ? null : timer;
    }

    // ---- taking

    /** Takes permits that are there, unless others wait, or are about to resume on this loop. */
    synchronized boolean take(int n, @Nullable EventLoop loop) {
        return !waking.anyOn(loop) && tryTake(n, loop);
    }

    /** Takes permits that are there, unless others wait. */
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
            return false; // cancelled before it came
        }
        if (take(acquisition.wanted(), acquisition.resumingLoop())) {
            return true;
        }
        line.add(acquisition);
        return false;
    }

    /** One has joined the line, or left it, or permits came: grants what can be granted. Outside of the monitor. */
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
                    credit += rate.costOf(first.wanted()); // it has been cancelled, and is about to leave
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

    /** One that had been granted permits from the line resumes. */
    synchronized void awake(RateAcquisition acquisition) {
        waking.remove(acquisition.resumingLoop());
    }

    /** Permits that were granted to one who was cancelled before it resumed. */
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

    /** A loop's clock, or that of those who are on none. */
    private Scheduler clockOf(@Nullable EventLoop loop) {
        return loop == null || loop == closingLoop || loop.isClosed() ? Schedulers.parallel() : loop.scheduler();
    }

    /** Counts the credit up to now by the old clock, and from here on by this one. */
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
            // the first in line, who may want a whole burst, was due in the middle of a nanosecond: the rest is not
            // lost
            long most = rate.full() + (line.isEmpty() ? 0 : rate.gain() - 1);
            credit = elapsed >= rate.nanosFor(most - credit) ? most : credit + elapsed * rate.gain();
        }
    }

    /** For the first in line, on its clock. */
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
                // on another thread, since this may run at once, under the monitor
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
