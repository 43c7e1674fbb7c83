package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.LoopCore;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * A callback that is sent into a loop once a second, while anybody wants to know: the time until it runs is the loop's
 * lag. {@link #look} is for the watchdog's thread.
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

    /** Told of the lag. */
    interface Observer {
        /** Whether it is wanted; asked by the watchdog's thread. */
        boolean wantsLag();

        /** A probe is being sent; what this returns comes back with it. */
        @Nullable Object sent();

        /** On the loop: the probe waited so long for its turn. */
        void lagged(@Nullable Object mark, long nanos);
    }

    /** Nothing has been sent. */
    LagProbe(LoopCore core, Observer observer) {
        this.core = core;
        this.observer = observer;
    }

    /** Sends it if it is time to. */
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
        // nobody watches a closed loop
    }

    @Override
    public String toString() {
        return "the probe of the loop's lag";
    }
}
