package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.LoopCore;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A callback that is sent to a loop once a second while the lag is wanted: the time until it runs is the loop's lag.
 * {@link #look} is called by the watchdog's thread.
 */
final class LagProbe extends Entry {
    private static final long PERIOD_NANOS = Duration.ofSeconds(1).toNanos();

    private final LoopCore core;
    private final Observer observer;
    private long untilNext;
    private long sentAt;
    private @Nullable Object mark;
    /** Set by the thread that sends it, cleared by the loop: there is one at a time. */
    private volatile boolean underWay;

    /** Receives the lag. */
    interface Observer {
        /** Returns whether the lag is wanted; called by the watchdog's thread. */
        boolean wantsLag();

        /** A probe is being sent; the result is passed to {@link #lagged}. */
        @Nullable Object sent();

        /** The probe has waited for its turn; called on the loop. */
        void lagged(@Nullable Object mark, long nanos);
    }

    /** Creates a probe that has not been sent. */
    LagProbe(LoopCore core, Observer observer) {
        this.core = core;
        this.observer = observer;
    }

    /** Sends the probe if it is due. */
    void look(long nanos) {
        untilNext -= nanos;
        if (untilNext > 0 || underWay || !observer.wantsLag() || core.isVirtual()) {
            return;
        }
        untilNext = PERIOD_NANOS;
        mark = observer.sent();
        sentAt = System.nanoTime();
        underWay = true;
        core.enqueue(this);
    }

    @Override
    public void run() {
        long lag = System.nanoTime() - sentAt;
        Object sent = mark;
        underWay = false;
        observer.lagged(sent, lag);
    }

    @Override
    protected void loopClosed() {
        // a closed loop is not watched
    }

    @Override
    public String toString() {
        return "the probe of the loop's lag";
    }
}
