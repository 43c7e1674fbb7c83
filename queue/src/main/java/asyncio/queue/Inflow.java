package asyncio.queue;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.internal.loop.Ring;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Puts what a Publisher emits: requests as many items as the queue has room for, and one when it has none. Items for
 * which there is no room when they come, since others put meanwhile, wait here, the first of them as a {@link Putter},
 * and nothing is requested until they are in.
 *
 * <p>Its fields are guarded by itself; whoever changes them finds out what is to be done, and does it outside.
 */
final class Inflow<T> implements CoreSubscriber<T>, Subscription, Scannable {
    private final QueueCore<T> core;
    /** Null for a subscriber that the user subscribes. */
    private final @Nullable Publisher<? extends T> source;
    /** The subscriber that is told of the end; null if there is none. */
    private final @Nullable CoreSubscriber<? super Void> actual;

    private final AtomicBoolean started = new AtomicBoolean();
    /** Calls of {@link #advance} that the one who acts has not answered. */
    private final AtomicInteger calls = new AtomicInteger();

    private final Ring<T> waiting = new Ring<>(1);
    private @Nullable Subscription upstream;
    /** Of the first item in {@link #waiting}. */
    private @Nullable Putter<T> putter;
    /** Its item is about to be in, or is. */
    private boolean entering;

    private boolean entered;
    /** Requested, and not there yet. */
    private final AtomicLong outstanding = new AtomicLong();
    /** Whether an item that comes must look whether it has to wait: some do, or it is over. */
    private volatile boolean blocked;

    private boolean sourceEnded;
    private @Nullable Throwable error;
    /** No signal is sent any more. */
    private boolean over;

    Inflow(QueueCore<T> core, @Nullable Publisher<? extends T> source, @Nullable CoreSubscriber<? super Void> actual) {
        this.core = core;
        this.source = source;
        this.actual = actual;
    }

    // ---- towards who waits for the end

    @Override
    public void request(long n) {
        if (Operators.validate(n) && source != null && started.compareAndSet(false, true)) {
            source.subscribe(this);
        }
    }

    @Override
    public void cancel() {
        started.set(true); // if it has not, it never will
        stop(null);
    }

    /** Ends it, with an error that somebody wants to know, or because nobody wants anything any more. */
    private void stop(@Nullable Throwable error) {
        Subscription upstream;
        Putter<T> putter;
        ArrayDeque<T> left;
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
            blocked = true;
            upstream = this.upstream;
            putter = this.putter;
            left = new ArrayDeque<>(waiting);
            waiting.clear();
            if (entering) {
                left.poll(); // its putter sees to it
            }
        }
        if (upstream != null) {
            upstream.cancel();
        }
        if (putter != null) {
            putter.cancel();
        }
        left.forEach(item -> core.undelivered(item, currentContext()));
        if (error != null) {
            tell(error);
        }
    }

    private void tell(@Nullable Throwable error) {
        if (actual == null) {
            if (error != null) {
                Operators.onErrorDropped(error, Context.empty());
            }
        } else if (error == null) {
            actual.onComplete();
        } else {
            actual.onError(error);
        }
    }

    // ---- towards the source

    @Override
    public void onSubscribe(Subscription subscription) {
        Objects.requireNonNull(subscription, "subscription");
        boolean unwanted;
        synchronized (this) {
            unwanted = over || upstream != null;
            if (!unwanted) {
                upstream = subscription;
            }
        }
        if (unwanted) {
            subscription.cancel();
        } else {
            replenish();
        }
    }

    /** Asks for more, when most of what was asked for has come. */
    private void replenish() {
        Subscription upstream;
        long more;
        synchronized (this) {
            upstream = this.upstream;
            long left = outstanding.get();
            if (over || sourceEnded || !waiting.isEmpty() || upstream == null || left > core.maxsize >> 2) {
                return;
            }
            long wanted = core.maxsize == Integer.MAX_VALUE ? Long.MAX_VALUE : Math.max(1, core.room());
            more = wanted - left;
            if (more <= 0) {
                return;
            }
            if (wanted == Long.MAX_VALUE) {
                outstanding.set(wanted);
            } else {
                outstanding.addAndGet(more);
            }
        }
        upstream.request(more);
    }

    @Override
    public void onNext(T item) {
        Objects.requireNonNull(item, "item");
        long left = outstanding.get();
        if (left != Long.MAX_VALUE) {
            left = outstanding.decrementAndGet();
        }
        if (blocked && mustWait(item)) {
            return;
        }
        enterOrWait(item, left == 0 || left == core.maxsize >> 2);
    }

    /** False if it need not, since those before it have entered. */
    private boolean mustWait(T item) {
        boolean ended;
        synchronized (this) {
            ended = over || sourceEnded;
            if (!ended) {
                if (waiting.isEmpty()) {
                    return false;
                }
                waiting.add(item);
            }
        }
        if (ended) {
            core.undelivered(item, currentContext());
        }
        return true;
    }

    private void enterOrWait(T item, boolean low) {
        try {
            if (core.put(item, null)) {
                if (low) {
                    replenish();
                }
                return;
            }
        } catch (RuntimeException | Error e) { // shut down, or a comparator's
            core.undelivered(item, currentContext());
            stop(e);
            return;
        }
        boolean ended;
        synchronized (this) {
            ended = over;
            if (!ended) {
                waiting.add(item);
                blocked = true;
            }
        }
        if (ended) {
            core.undelivered(item, currentContext());
        } else {
            advance();
        }
    }

    /** The first of those that wait becomes a putter; one call acts for all, so that there is no recursion. */
    private void advance() {
        if (calls.getAndIncrement() != 0) {
            return;
        }
        int answered = 1;
        do {
            try {
                while (putFirst()) {}
            } catch (RuntimeException | Error e) { // a subscriber's, or of the JVM: nobody would put the others
                calls.set(0);
                stop(e);
                throw e;
            }
            answered = calls.addAndGet(-answered);
        } while (answered != 0);
    }

    /** True if there may be another. */
    private boolean putFirst() {
        Putter<T> next = null;
        boolean last = false;
        synchronized (this) {
            if (over) {
                return false;
            }
            if (entered) {
                entered = false;
                entering = false;
                putter = null;
                waiting.poll();
            }
            if (putter != null) {
                return false;
            }
            T item = waiting.peek();
            if (item != null) {
                next = new First(item);
                putter = next;
            } else if (sourceEnded) {
                over = true;
                last = true;
            } else {
                blocked = false;
            }
        }
        if (next != null) {
            next.request(1);
            return true;
        }
        if (last) {
            tell(error);
        } else {
            replenish();
        }
        return false;
    }

    @Override
    public void onComplete() {
        sourceEnded(null);
    }

    @Override
    public void onError(Throwable error) {
        sourceEnded(Objects.requireNonNull(error, "error"));
    }

    /** Lets the items that came before the end enter first. */
    private void sourceEnded(@Nullable Throwable error) {
        boolean late;
        boolean last = false;
        synchronized (this) {
            late = over || sourceEnded;
            if (!late) {
                sourceEnded = true;
                blocked = true;
                this.error = error;
                last = waiting.isEmpty();
                over = last;
            }
        }
        if (last) {
            tell(error);
        } else if (late && error != null) {
            Operators.onErrorDropped(error, currentContext());
        }
    }

    @Override
    public Context currentContext() {
        return actual == null ? Context.empty() : actual.currentContext();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            synchronized (this) { // what it waits for
                return putter != null ? putter : upstream != null ? upstream : source;
            }
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.TERMINATED) {
            return over;
        }
        if (key == Attr.BUFFERED) {
            return waiting.size();
        }
        if (key == Attr.RUN_STYLE) {
            return Attr.RunStyle.ASYNC;
        }
        return null;
    }

    @Override
    public String toString() {
        return "putAll() into " + core.describe();
    }

    /** Puts the first of those that wait. Whose the item is in a cancellation is decided by {@link #entering}. */
    private final class First extends Putter<T> {
        First(T item) {
            super(core, item, new Entry(item), null, EventLoop.runningOrNull());
        }

        @Override
        public @Nullable Void take(@Nullable Void value) {
            boolean unwanted;
            synchronized (Inflow.this) {
                unwanted = over;
                entering = !unwanted;
            }
            if (unwanted) {
                giveBack(null);
                throw new CancelledException(null);
            }
            return super.take(null);
        }
    }

    /** Hears of {@link First}. */
    private final class Entry implements CoreSubscriber<Void> {
        private final T item;

        Entry(T item) {
            this.item = item;
        }

        @Override
        public void onSubscribe(Subscription subscription) {}

        @Override
        public void onNext(Void nothing) {}

        @Override
        public void onComplete() {
            synchronized (Inflow.this) {
                entered = true;
            }
            advance();
        }

        @Override
        public void onError(Throwable error) {
            boolean left;
            synchronized (Inflow.this) {
                left = over && entering;
                entering = false;
            }
            if (left) {
                core.undelivered(item, currentContext());
            } else {
                stop(error);
            }
        }

        @Override
        public Context currentContext() {
            return Inflow.this.currentContext();
        }

        @Override
        public String toString() {
            return Inflow.this.toString();
        }
    }
}
