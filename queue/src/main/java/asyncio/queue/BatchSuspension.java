package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/**
 * A waiter for several items. Its {@link Collector} stands in the line of getters, and keeps its place until the batch
 * is full or its time is up. Everything is guarded by the queue's monitor; the batch owns an item from the offer on,
 * and its items return to their places if it is cancelled before it resumes.
 */
final class BatchSuspension<T> extends Suspension<List<T>> implements Told {
    private final QueueCore<T> core;
    private final int max;
    private final Duration within;
    /** Whether it ends empty when the queue is shut down, instead of failing. */
    private final boolean emptyAtEnd;

    final Collector<T> collector;
    private final List<T> items = new ArrayList<>();
    private long[] places = new long[4];
    private @Nullable Disposable timer;
    /** Ends the batch if its loop is closed while the timer runs, so that the items are not lost. */
    private @Nullable Disposable closing;

    BatchSuspension(
            QueueCore<T> core,
            CoreSubscriber<? super List<T>> actual,
            int max,
            Duration within,
            boolean emptyAtEnd,
            @Nullable EventLoop loop) {
        super(actual, null, loop);
        this.core = core;
        this.max = max;
        this.within = within;
        this.emptyAtEnd = emptyAtEnd;
        this.collector = new Collector<>(this);
    }

    // ---- under the queue's monitor

    boolean isStillWaiting() {
        return isWaiting();
    }

    boolean isEmpty() {
        return items.isEmpty();
    }

    boolean isFull() {
        return items.size() == max;
    }

    /** Returns whether it takes only the items that are present. */
    boolean isImpatient() {
        return within.isZero();
    }

    void add(T item, long place) {
        if (items.size() == places.length) {
            places = Arrays.copyOf(places, 2 * places.length);
        }
        places[items.size()] = place;
        items.add(item);
    }

    /** Completes it with its items; false if it was cancelled and is about to leave. */
    boolean complete() {
        stopTimer();
        return grant(items);
    }

    /** Returns the waiter to notify if it takes the item; null if it no longer waits. */
    @Nullable Told offer(T item, long place) {
        if (!isWaiting()) {
            return null;
        }
        add(item, place);
        if (isFull() || isImpatient()) {
            if (complete()) {
                return this;
            }
            items.remove(items.size() - 1);
            return null;
        }
        return items.size() == 1 ? this::startTimer : NOBODY;
    }

    /** Ends it because the queue is shut down; returns the waiter to notify. */
    @Nullable Suspension<?> refuse(QueueShutDownException error) {
        boolean settled = !items.isEmpty() ? complete() : emptyAtEnd ? grant(null) : fail(error);
        return settled ? this : null;
    }

    /** Lets go of an item, while it collects; false if it does not have it. */
    boolean retract(long place) {
        for (int i = 0; isWaiting() && i < items.size(); i++) {
            if (places[i] == place) {
                items.remove(i);
                System.arraycopy(places, i + 1, places, i, items.size() - i);
                if (items.isEmpty()) {
                    stopTimer(); // the time counts from the first item
                }
                return true;
            }
        }
        return false;
    }

    /** Removes its items, for a batch that leaves without completing. */
    List<T> takeOut() {
        stopTimer();
        List<T> out = new ArrayList<>(items);
        items.clear();
        return out;
    }

    private void stopTimer() {
        if (timer != null) {
            timer.dispose();
            timer = null;
        }
        if (closing != null) {
            closing.dispose();
            closing = null;
        }
    }

    // ---- outside the monitor

    /** Starts the timer when the first item has arrived. */
    void startTimer() {
        EventLoop loop = loop();
        Scheduler clock = loop == null || loop.isClosed() ? Schedulers.parallel() : loop.scheduler();
        long nanos = within.compareTo(Duration.ofNanos(Long.MAX_VALUE)) < 0 ? within.toNanos() : Long.MAX_VALUE;
        Disposable started;
        Disposable onClose = null;
        try {
            started = clock.schedule(this::timeUp, nanos, TimeUnit.NANOSECONDS);
            if (clock != Schedulers.parallel() && loop != null) {
                onClose = loop.onClose(this::timeUp);
            }
        } catch (RejectedExecutionException closedMeanwhile) {
            timeUp();
            return;
        }
        synchronized (core) {
            if (isWaiting() && !isEmpty() && timer == null) {
                timer = started;
                closing = onClose;
                return;
            }
        }
        started.dispose(); // it was full, cancelled, or empty again, a moment ago
        if (onClose != null) {
            onClose.dispose();
        }
    }

    private void timeUp() {
        if (core.timeUp(this)) {
            deliver();
        }
    }

    private void restore(List<T> items) {
        core.giveBackAll(items, places, Context.of(actual().currentContext()));
    }

    // ---- of Suspension

    @Override
    protected boolean begin() {
        return core.begin(this);
    }

    @Override
    protected void leave() {
        restore(core.leave(this));
    }

    @Override
    public @Nullable List<T> take(@Nullable List<T> value) {
        for (int i = 0; value != null && i < value.size(); i++) {
            core.taken(places[i]);
        }
        return value;
    }

    @Override
    public void giveBack(@Nullable List<T> value) {
        if (value != null) {
            restore(value);
        }
    }

    /** Ignores an error that arrives too late. */
    @Override
    protected void undelivered(@Nullable List<T> value, @Nullable Throwable error) {
        giveBack(value);
    }

    @Override
    protected String target() {
        return "a batch of items of " + core.describe();
    }

    /** The batch's place in line. It is never notified itself. */
    static final class Collector<T> extends Getter<T> {
        private final BatchSuspension<T> batch;

        @SuppressWarnings("unchecked") // a collector is never notified, so the type does not matter
        Collector(BatchSuspension<T> batch) {
            super(batch.core, (CoreSubscriber<T>) (CoreSubscriber<?>) batch.actual(), null, false, null);
            this.batch = batch;
        }

        @Override
        boolean isStillWaiting() {
            return batch.isStillWaiting();
        }

        @Override
        boolean retract(long place) {
            return batch.retract(place);
        }

        @Override
        boolean wantsMore() {
            return batch.isStillWaiting();
        }

        @Override
        @Nullable Told offer(T item, long place) {
            return batch.offer(item, place);
        }

        @Override
        @Nullable Suspension<?> refuse(QueueShutDownException error) {
            return batch.refuse(error);
        }

        @Override
        public String toString() {
            return batch.toString();
        }
    }
}
