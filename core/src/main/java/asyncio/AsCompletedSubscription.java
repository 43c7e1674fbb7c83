package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A subscription to {@link FluxAsCompleted}. Children that have ended are queued on the loop; the first caller among
 * children, deadline and requests delivers for all, so that signals never overlap and never nest.
 *
 * <p>It is a {@code merge} of the Futures with {@code takeUntilOther}, plus four guarantees that Reactor's operators do
 * not give: children that were done before the deadline are delivered before its error, no matter how late they are
 * requested; cancelling leaves no waiter at a Future; the cost of a child does not depend on their number; and it ends
 * if the subscriber throws or memory runs out.
 *
 * <pre>{@literal
 *   request              all are delivered, or: none is left and the deadline has passed
 *   ----------> WAITING -----------------------------------------------------------------> terminated
 *                       cancel
 *                       -----------------------------------------------------------------> cancelled
 * }</pre>
 *
 * <p>In the last two states no child and no timer refers to it any more ({@link #detach}).
 */
final class AsCompletedSubscription<T> implements Subscription, Scannable {
    private final FluxAsCompleted<T> what;
    private final EventLoop loop;
    private final CoreSubscriber<? super Future<T>> actual;
    private final WaiterStack<Listener<T>> done = new WaiterStack<>();
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicLong requested = new AtomicLong();
    /** Calls of {@link #deliver} that the delivering thread has not handled. */
    private final AtomicInteger calls = new AtomicInteger();
    /** Empty until the children have been started. */
    private volatile List<Listener<T>> listeners = List.of();

    private volatile TimerQueue.@Nullable Entry timer;
    /** The error that ends this when the queue is empty: the deadline, or the failure to start the children. */
    private volatile @Nullable Throwable error;

    private volatile boolean cancelled;
    /** Set by the delivering thread. */
    private volatile boolean terminated;
    /** The number of children not delivered yet; used by the delivering thread. */
    private int left;

    AsCompletedSubscription(FluxAsCompleted<T> what, EventLoop loop, CoreSubscriber<? super Future<T>> actual) {
        this.what = what;
        this.loop = loop;
        this.actual = actual;
    }

    @Override
    public void request(long n) {
        if (!Operators.validate(n)) {
            return;
        }
        requested.accumulateAndGet(n, Operators::addCap);
        if (started.compareAndSet(false, true)) {
            calls.incrementAndGet(); // children that end meanwhile wait: they are not counted yet
            start();
            deliverAll(1);
        } else {
            deliver();
        }
    }

    private void start() {
        try {
            Children<T> children = Children.start(what.sources, loop, Context.of(actual.currentContext()));
            List<Listener<T>> listeners = new ArrayList<>(children.distinct.size());
            for (Future<T> child : children.distinct) {
                listeners.add(new Listener<>(this, child));
            }
            left = listeners.size();
            this.listeners = listeners;
            for (Listener<T> listener : listeners) {
                if (!listener.child.addWaiter(listener)) {
                    done.add(listener);
                }
            }
            if (what.timeout != null && left > 0) {
                limit(what.timeout);
            }
        } catch (RuntimeException | OutOfMemoryError e) {
            error = e;
        }
        if (cancelled) {
            detach(); // cancel() may have looked before there was anything
        }
    }

    private void limit(Duration timeout) {
        TimerQueue.Entry entry = new TimerQueue.Entry(new Deadline<>(this), loop.deadline(timeout));
        timer = entry;
        if (!loop.core.addTimer(entry)) {
            throw Misuse.loopClosed();
        }
    }

    private void deliver() {
        if (calls.getAndIncrement() == 0) {
            deliverAll(1);
        }
    }

    private void deliverAll(int answered) {
        do {
            try {
                deliverWhatIsThere();
            } catch (Throwable e) {
                breakOff(e);
            }
            answered = calls.addAndGet(-answered);
        } while (answered != 0);
    }

    /** Ends the subscription when the subscriber or the JVM has failed during a delivery. */
    private void breakOff(Throwable e) {
        if (terminated || cancelled) {
            terminated = true;
            detach();
            Operators.onErrorDropped(e, actual.currentContext());
        } else {
            end(e);
        }
        if (e instanceof Error fatal && Exceptions.isJvmFatal(fatal)) {
            calls.set(0); // later calls find it terminated
            throw fatal;
        }
    }

    private void deliverWhatIsThere() {
        long demand = requested.get();
        long delivered = 0;
        while (!cancelled && !terminated) {
            Throwable error = this.error; // read before the queue: its entries came before the deadline
            if (error == null ? left == 0 : done.peek() == null) {
                end(error);
                return;
            }
            if (delivered == demand || done.peek() == null) {
                break;
            }
            Listener<T> next = done.poll();
            if (next != null) {
                left--;
                delivered++;
                actual.onNext(next.child);
            }
        }
        if (!cancelled && !terminated && delivered > 0 && demand != Long.MAX_VALUE) {
            requested.addAndGet(-delivered);
        }
    }

    private void end(@Nullable Throwable error) {
        terminated = true;
        detach();
        if (error == null) {
            actual.onComplete();
        } else {
            actual.onError(error);
        }
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            cancelled = true;
            detach();
            deliver();
        }
    }

    private void detach() {
        for (Listener<T> listener : listeners) {
            listener.child.removeWaiter(listener);
        }
        TimerQueue.Entry entry = timer;
        if (entry != null) {
            loop.core.removeTimer(entry);
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return what;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.CANCELLED) {
            return cancelled;
        }
        if (key == Attr.TERMINATED) {
            return terminated;
        }
        if (key == Attr.BUFFERED) {
            return Math.max(0, left - open());
        }
        if (key == Attr.REQUESTED_FROM_DOWNSTREAM) {
            return requested.get();
        }
        if (key == Attr.RUN_STYLE) {
            return Attr.RunStyle.ASYNC;
        }
        return null;
    }

    @Override
    public String toString() {
        return what + " for " + Log.text(actual);
    }

    /** Returns the number of children that are not done. */
    private int open() {
        return (int)
                listeners.stream().filter(listener -> !listener.child.done()).count();
    }

    private static final class Listener<T> extends Waiter {
        private final AsCompletedSubscription<T> completions;
        private final Future<T> child;

        Listener(AsCompletedSubscription<T> completions, Future<T> child) {
            this.completions = completions;
            this.child = child;
        }

        @Override
        public void run() {
            if (completions.error == null) {
                completions.done.add(this);
                completions.deliver();
            }
        }

        @Override
        Object tells() {
            return completions.actual;
        }

        @Override
        LoopCore resumesOn() {
            return completions.loop.core;
        }

        @Override
        public String toString() {
            return completions.toString();
        }
    }

    private static final class Deadline<T> extends Waiter {
        private final AsCompletedSubscription<T> completions;

        Deadline(AsCompletedSubscription<T> completions) {
            this.completions = completions;
        }

        @Override
        public void run() {
            int all = completions.listeners.size();
            int open = completions.open();
            end(new TimedOutException(open + " of " + all + " were not done within " + completions.what.timeout
                    + "; they are still running"));
        }

        @Override
        protected void loopClosed() {
            end(new IllegalStateException("The event loop was closed during " + completions));
        }

        private void end(Throwable error) {
            completions.error = error;
            completions.deliver();
        }

        @Override
        LoopCore resumesOn() {
            return completions.loop.core;
        }

        @Override
        public String toString() {
            return completions.toString();
        }
    }
}
