package asyncio.queue;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import java.util.List;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#getBatch}. */
final class MonoBatch<T> extends ColdMono<List<T>> {
    private final QueueCore<T> core;
    private final int max;
    private final Duration within;
    private final boolean emptyAtEnd;

    /** Names {@code getBatch} in the report of a Mono that was never awaited. */
    private static final class GetBatch {}

    /** Names {@code nextBatch} there. */
    private static final class NextBatch {}

    MonoBatch(QueueCore<T> core, int max, Duration within, boolean emptyAtEnd) {
        super(emptyAtEnd ? NextBatch.class : GetBatch.class);
        if (max < 1) {
            throw new IllegalArgumentException("The maximum size of a batch must be positive, not " + max);
        }
        if (within.isNegative()) {
            throw new IllegalArgumentException("within must not be negative: " + within);
        }
        this.core = core;
        this.max = max;
        this.within = within;
        this.emptyAtEnd = emptyAtEnd;
    }

    @Override
    protected void start(CoreSubscriber<? super List<T>> actual) {
        actual.onSubscribe(suspend(actual));
    }

    @Override
    protected Suspension<List<T>> suspend(CoreSubscriber<? super List<T>> actual) {
        return new BatchSuspension<>(core, actual, max, within, emptyAtEnd, EventLoop.runningOrNull());
    }

    @Override
    public String toString() {
        return (emptyAtEnd ? "nextBatch(" : "getBatch(") + max + ", " + within + ") of " + core.describe();
    }
}
