package asyncio;

import asyncio.internal.loop.Entry;
import asyncio.internal.loop.LoopCore;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * A callback that is sent into a loop once a second, while anybody wants to know: the time until it runs is the loop's
 * lag. {@link #look} is for the watchdog's thread.
 */
final class LagProbe extends Entry {
    private static final long PERIOD_NANOS = Duration.ofSeconds(1).toNanos();

    private final LoopCore core;
    private final BooleanSupplier wanted;
    private final LongConsumer told;
    private long untilNext;
    private long sentAt;
    /** Set by the thread that sends it, cleared by the loop: there is one at a time. */
    private volatile boolean underWay;

    /**
     * Nothing has been sent.
     *
     * @param told called on the loop with the lag in nanoseconds
     */
    LagProbe(LoopCore core, BooleanSupplier wanted, LongConsumer told) {
        this.core = core;
        this.wanted = wanted;
        this.told = told;
    }

    /** Sends it if it is time to. */
    void look(long nanos) {
        untilNext -= nanos;
        if (untilNext > 0 || underWay || !wanted.getAsBoolean() || core.isVirtual()) {
            return;
        }
        untilNext = PERIOD_NANOS;
        sentAt = System.nanoTime();
        underWay = true;
        core.enqueue(this);
    }

    @Override
    public void run() {
        long lag = System.nanoTime() - sentAt;
        underWay = false;
        told.accept(lag);
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
