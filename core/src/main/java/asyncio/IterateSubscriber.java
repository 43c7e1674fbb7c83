package asyncio;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The subscriber of an {@link AsyncIterator}. It holds items that have arrived, or waiters for one, never both. Guarded
 * by its monitor, which is not held while it signals and requests.
 *
 * <p>{@code Flux.toIterable} blocks, and a {@code Queue} that is filled by {@code putAll} holds one item too many: here
 * one item is requested for each one asked for, and for each one allowed ahead.
 */
final class IterateSubscriber<T> implements CoreSubscriber<T>, Scannable {
    private final Publisher<? extends T> source;
    /** The number of items that may be requested ahead of the iterator's user. */
    private final int ahead;

    // all guarded by this

    private final Deque<T> items = new ArrayDeque<>(1);
    private final WaitQueue<NextSuspension<T>> waiters = new WaitQueue<>();
    private boolean started;
    private boolean ended;
    private boolean closed;
    private @Nullable Throwable error;
    /** Requested and not yet arrived. */
    private long outstanding;

    private volatile @Nullable Subscription upstream;
    private volatile Context context = Context.empty();
    private volatile @Nullable Cleanups cleanups;

    IterateSubscriber(Publisher<? extends T> source, int ahead) {
        this.source = source;
        this.ahead = ahead;
    }

    // ---- the iterator's side

    /** Serves a waiter; returns true if it is answered at once. */
    boolean begin(NextSuspension<T> waiter) {
        boolean first;
        synchronized (this) {
            first = !started && !closed;
            if (first) {
                started = true;
                Cleanups own = Cleanups.ofOwner(this, waiter.waiter().currentContext(), waiter.resumesIn());
                cleanups = own;
                context = own.context();
            }
        }
        if (first) {
            subscribe();
        }
        requestFor(1); // a source that answers at once does so before the waiter has to wait
        synchronized (this) {
            T item = items.peek();
            if (item != null) {
                return waiter.give(item) && items.remove() != null;
            }
            if (ended || closed) {
                return settle(waiter);
            }
            if (!waiter.waits()) {
                return false; // cancelled meanwhile
            }
            waiters.add(waiter);
        }
        requestFor(0); // another one may have counted on the item requested for this one
        return false;
    }

    @SuppressWarnings("unchecked")
    private void subscribe() {
        // through Publisher's method, not CoreSubscriber's: that one skips Reactor's assembly hooks
        ((Publisher<T>) source).subscribe((Subscriber<T>) this);
    }

    /** Requests the missing items, in batches if items are requested ahead. */
    private void requestFor(int more) {
        Subscription upstream = this.upstream;
        long n;
        synchronized (this) {
            long wanted = waiters.size() + (long) more;
            long there = items.size() + outstanding;
            n = wanted + ahead - there;
            if (upstream == null || ended || closed || there >= wanted && n < ahead - (ahead >> 2) || n <= 0) {
                return;
            }
            outstanding += n;
        }
        upstream.request(n);
    }

    void leave(NextSuspension<T> waiter) {
        synchronized (this) {
            waiters.remove(waiter);
        }
    }

    /**
     * Takes back an item that was granted to a waiter which was cancelled before it resumed: the next waiter gets it.
     */
    void giveBack(T item) {
        give(item, true);
    }

    private void give(T item, boolean first) {
        NextSuspension<T> taker = null;
        boolean lost;
        synchronized (this) {
            if (!first && outstanding > 0) {
                outstanding--;
            }
            lost = closed;
            if (!lost) {
                do {
                    taker = waiters.poll();
                } while (taker != null && !taker.give(item));
                if (taker == null) {
                    keep(item, first);
                }
            }
        }
        if (taker != null) {
            taker.deliver();
        } else if (lost) {
            Operators.onDiscard(item, context);
        }
    }

    private void keep(T item, boolean first) {
        if (first) {
            items.addFirst(item);
        } else {
            items.addLast(item);
        }
    }

    // ---- the end

    /** Cancels the subscription; returns false if there is nothing to wait for. */
    boolean close() {
        List<T> left;
        Throwable unheard;
        boolean cancel;
        WaitQueue<NextSuspension<T>> told = new WaitQueue<>();
        synchronized (this) {
            cancel = started && !ended && !closed;
            closed = true;
            left = items.isEmpty() ? List.of() : new ArrayList<>(items);
            items.clear();
            unheard = error;
            error = null;
            settleAll(told);
        }
        Subscription upstream = this.upstream;
        if (cancel && upstream != null) {
            upstream.cancel(); // else onSubscribe does
        }
        left.forEach(item -> Operators.onDiscard(item, context));
        if (unheard != null) {
            Operators.onErrorDropped(unheard, context);
        }
        told.deliverAll();
        return rest() != null;
    }

    /** Returns the clean-up under way, if there is one. */
    @Nullable Future<Void> rest() {
        Cleanups cleanups = this.cleanups;
        return cleanups == null ? null : cleanups.rest();
    }

    private void end(@Nullable Throwable failure) {
        WaitQueue<NextSuspension<T>> told = new WaitQueue<>();
        Throwable dropped = null;
        synchronized (this) {
            if (ended || closed) {
                dropped = failure;
            } else {
                ended = true;
                error = failure;
                settleAll(told);
            }
        }
        if (dropped != null) {
            Operators.onErrorDropped(dropped, context);
        }
        told.deliverAll();
    }

    private void settleAll(WaitQueue<NextSuspension<T>> told) {
        for (NextSuspension<T> next; (next = waiters.poll()) != null; ) {
            if (settle(next)) {
                told.add(next);
            }
        }
    }

    /** Answers a waiter at the end; the first one gets the error, if there is one. */
    private boolean settle(NextSuspension<T> waiter) {
        Throwable e = error;
        if (e == null) {
            return waiter.give(null);
        }
        if (!waiter.giveError(e)) {
            return false;
        }
        error = null;
        return true;
    }

    // ---- signals of the source

    @Override
    public void onSubscribe(Subscription subscription) {
        if (!Operators.validate(upstream, subscription)) {
            return;
        }
        upstream = subscription;
        boolean tooLate;
        synchronized (this) {
            tooLate = closed;
        }
        if (tooLate) {
            subscription.cancel();
        } else {
            requestFor(0); // for waiters that arrived meanwhile; the subscribing one requests itself
        }
    }

    @Override
    public void onNext(T item) {
        give(item, false);
    }

    @Override
    public void onError(Throwable failure) {
        end(failure);
    }

    @Override
    public void onComplete() {
        end(null);
    }

    @Override
    public Context currentContext() {
        return context;
    }

    // ---- for inspection

    @Nullable Subscription upstream() {
        return upstream;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return upstream;
        }
        if (key == Attr.PREFETCH) {
            return ahead;
        }
        if (key == Attr.RUN_STYLE) {
            return Attr.RunStyle.ASYNC;
        }
        synchronized (this) {
            if (key == Attr.CANCELLED) {
                return closed && !ended;
            }
            if (key == Attr.TERMINATED) {
                return ended;
            }
            if (key == Attr.BUFFERED) {
                return items.size();
            }
            return key == Attr.ERROR ? error : null;
        }
    }

    @Override
    public String toString() {
        int waiting;
        String state;
        synchronized (this) {
            waiting = waiters.size();
            state = closed ? "closed" : ended ? "ended" : started ? "open" : "not begun";
        }
        return "<AsyncIterator of " + Log.text(source) + " [" + state + (waiting == 0 ? "" : ", waiting: " + waiting)
                + "]>";
    }
}
