package asyncio.queue;

import asyncio.EventLoop;
import asyncio.KeepingSubscription;
import asyncio.Log;
import asyncio.Suspension;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A subscriber of a queue, or of a buffer of a broadcast, as a Flux. While there is demand it takes the available
 * items, a batch at a time; when there are none it waits as one getter. Requests, the getter's item and the
 * cancellation only set a field and call {@link #drain}, where one thread acts for all, so that signals never overlap
 * and never recurse.
 */
final class QueueSubscription<T> implements KeepingSubscription, Scannable {
    /** Large enough to make the cost of the monitor negligible, small enough to leave items to other subscribers. */
    private static final int BATCH = 64;

    private final Outlet<T> outlet;
    private final CoreSubscriber<? super T> actual;
    /** The loop on which it was subscribed and emits; null to emit on the thread that delivers an item. */
    private final @Nullable EventLoop loop;

    private final AtomicLong requested = new AtomicLong();
    /** Calls of {@link #drain} that the draining thread has not answered. */
    private final AtomicInteger calls = new AtomicInteger();

    private volatile boolean cancelled;
    /** Whether the queue is shut down and empty. */
    private volatile boolean drained;

    private volatile @Nullable Throwable failure;
    /** The waiting getter. Replaced by the draining thread. */
    private volatile @Nullable ItemSuspension<T> getter;
    /** The getter's item, which has arrived but was not emitted. */
    private volatile @Nullable T arrived;

    private final Suspension<Void> watcher;
    private final Arrival arrival = new Arrival();

    // for the draining thread:

    private @Nullable Object[] batch = new @Nullable Object[0];
    private long[] places = new long[0];
    private boolean terminated;

    QueueSubscription(Outlet<T> outlet, CoreSubscriber<? super T> actual, @Nullable EventLoop loop) {
        this.outlet = outlet;
        this.actual = actual;
        this.loop = loop;
        this.watcher = outlet.end(new End(), loop);
    }

    /** Starts watching for the end of the queue, which needs no demand. */
    void watch() {
        watcher.request(1);
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            failure = new IllegalArgumentException(
                    "Demand must be positive, not " + n + " (rule 3.9 of Reactive Streams)");
        } else {
            requested.accumulateAndGet(n, Operators::addCap);
        }
        drainOnLoop();
    }

    @Override
    public void withhold(BooleanSupplier cancelled) {
        cancel();
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            cancelled = true;
            drain(); // emits nothing, so any thread will do
        }
    }

    private void drainOnLoop() {
        EventLoop loop = this.loop;
        if (loop != null && EventLoop.runningOrNull() != loop) {
            try {
                loop.callSoonThreadsafe(this::drain);
                return;
            } catch (IllegalStateException closed) {
                // no other thread will do it
            }
        }
        drain();
    }

    private void drain() {
        if (calls.getAndIncrement() != 0) {
            return;
        }
        int answered = 1;
        do {
            try {
                act();
            } catch (RuntimeException | Error e) { // from the subscriber, which then counts as cancelled: rule 2.13
                cancelled = true;
                release();
                throw e;
            }
            answered = calls.addAndGet(-answered);
        } while (answered != 0);
    }

    private void act() {
        if (cancelled || terminated) {
            release();
            return;
        }
        T first = arrived;
        if (first != null) {
            arrived = null;
            ItemSuspension<T> from = getter;
            getter = null;
            if (from != null && !emit(first, from.place)) {
                from.giveBack(first);
            }
        }
        while (getter == null && !cancelled && !terminated && failure == null && requested.get() > 0) {
            int n = outlet.looksEmpty() ? 0 : takeBatch((int) Math.min(requested.get(), BATCH));
            if (n > 0) {
                emitBatch(n);
            } else if (drained || failure != null) {
                break;
            } else {
                waitForOne();
            }
        }
        Throwable failure = this.failure;
        if (cancelled || terminated) {
            release();
        } else if (failure != null) {
            end(failure);
        } else if (getter == null) { // else an item is on its way, or the getter will learn of the end
            RuntimeException refusal = drained ? null : outlet.refusal();
            if (drained || refusal != null) {
                end(refusal instanceof QueueShutDownException ? null : refusal);
            }
        }
    }

    private void end(@Nullable Throwable failure) {
        terminated = true;
        release();
        if (failure == null) {
            actual.onComplete();
        } else {
            actual.onError(failure);
        }
    }

    /** Emits an item; false if the subscription is cancelled. */
    private boolean emit(T item, long place) {
        if (cancelled) {
            return false;
        }
        outlet.taken(place);
        actual.onNext(item);
        if (requested.get() != Long.MAX_VALUE) {
            requested.decrementAndGet();
        }
        return true;
    }

    /** Takes a batch and returns its size. */
    private int takeBatch(int max) {
        try {
            if (batch.length == 0) {
                places = new long[BATCH];
                batch = new @Nullable Object[BATCH];
            }
            return outlet.poll(batch, places, max);
        } catch (RuntimeException | Error e) { // from a comparator
            failure = e;
            return 0;
        }
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // the elements that takeBatch() has filled are not null
    private void emitBatch(int n) {
        int k = 0;
        try {
            while (k < n && !cancelled) {
                outlet.taken(places[k]);
                actual.onNext((T) batch[k++]);
            }
        } finally { // also if the subscriber throws
            for (int rest = k; rest < n; rest++) {
                outlet.giveBack((T) batch[rest], places[rest], Context.of(actual.currentContext()));
            }
            Arrays.fill(batch, 0, n, null);
            if (requested.get() != Long.MAX_VALUE) {
                requested.addAndGet(-k);
            }
        }
    }

    private void waitForOne() {
        ItemSuspension<T> next;
        try {
            next = outlet.getter(arrival, loop);
        } catch (OutOfMemoryError e) {
            failure = e; // fail the subscriber, which would otherwise wait forever
            return;
        }
        getter = next;
        next.request(1);
    }

    /** Ends the watcher and the waiting getter. */
    private void release() {
        watcher.cancel();
        ItemSuspension<T> waiting = getter;
        if (waiting != null) {
            waiting.cancel();
            T item = arrived; // it may also arrive in a moment, and then this is called again
            if (item != null) {
                arrived = null;
                waiting.giveBack(item);
            }
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.CANCELLED) {
            return cancelled;
        }
        if (key == Attr.TERMINATED) {
            return terminated;
        }
        if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
            return requested.get();
        }
        if (key == Attr.PREFETCH) {
            return BATCH;
        }
        if (key == Attr.RUN_STYLE) {
            return loop == null ? Attr.RunStyle.SYNC : Attr.RunStyle.ASYNC;
        }
        return null;
    }

    @Override
    public String toString() {
        return "asFlux() for " + Log.text(actual);
    }

    private abstract class Part<V> implements CoreSubscriber<V>, Scannable {
        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.ACTUAL ? actual : null;
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }

        @Override
        public void onSubscribe(Subscription subscription) {}

        @Override
        public String toString() {
            return QueueSubscription.this.toString();
        }
    }

    /** Receives the item of the waiting getter. */
    private final class Arrival extends Part<T> {
        @Override
        public void onNext(T item) {
            arrived = item;
            drain();
        }

        @Override
        public void onComplete() {}

        @Override
        public void onError(Throwable error) {
            if (error instanceof QueueShutDownException) {
                drained = true;
            } else {
                failure = error;
            }
            getter = null;
            drain();
        }
    }

    /** Receives the end of the queue. */
    private final class End extends Part<Void> {
        @Override
        public void onNext(Void nothing) {}

        @Override
        public void onComplete() {
            drained = true;
            drain();
        }

        @Override
        public void onError(Throwable error) {
            failure = error;
            drain();
        }
    }
}
