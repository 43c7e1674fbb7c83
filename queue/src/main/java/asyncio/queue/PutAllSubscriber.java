package asyncio.queue;

import asyncio.CancelledException;
import asyncio.EventLoop;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/**
 * Puts the items of a Publisher, like {@code concatMap(queue::put, n)}, with three additional guarantees: it requests
 * as many items as the queue currently has room for ({@code n} is fixed); an item that arrives during or after
 * cancellation is reported as undelivered ({@code concatMap} queues it and forgets it); and a loop's deadlock detection
 * sees the source it waits for.
 *
 * <pre>{@literal
 *              no room for the item               the source has ended, all items are in
 *   PUTTING ------------------------> WAITING       PUTTING ------------------------> OVER
 *           <------------------------               PUTTING, WAITING ---------------> OVER
 *                it has entered                       cancel, shutdown, an error
 * }</pre>
 *
 * <p>PUTTING: {@link #place} is null; WAITING: it holds an item. OVER: {@link #over} is set by the call that ends it,
 * and items that have arrived or still arrive are undelivered. The item in the place belongs to the first to claim it:
 * its turn, in which it enters, or the end. One thread acts at a time, the one that found {@link #calls} at 0; only
 * {@link #act} and the methods it calls touch the fields that are neither final nor volatile.
 */
final class PutAllSubscriber<T> implements CoreSubscriber<T>, Subscription, Scannable {
    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<PutAllSubscriber, Subscription> UPSTREAM =
            AtomicReferenceFieldUpdater.newUpdater(PutAllSubscriber.class, Subscription.class, "upstream");

    private final QueueCore<T> core;
    /** Null for {@code asSubscriber()}, which the user subscribes. */
    private final @Nullable Publisher<? extends T> source;
    /** The subscriber to signal at the end; null if there is none. */
    private final @Nullable CoreSubscriber<? super Void> actual;

    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile @Nullable Subscription upstream;
    /** Items that arrived while another thread was acting, or while an earlier item waits. */
    private final Queue<T> waiting = Queues.<T>unboundedMultiproducer().get();

    private volatile @Nullable Place place;
    /** The number of items requested and not yet seen by {@link #act}. */
    private long due;

    private volatile boolean sourceEnded;
    /** The source's error; written before {@link #sourceEnded}. */
    private @Nullable Throwable error;
    /** The error for the subscriber, written by the thread that set {@link #over}. */
    private volatile @Nullable Throwable failure;

    PutAllSubscriber(
            QueueCore<T> core, @Nullable Publisher<? extends T> source, @Nullable CoreSubscriber<? super Void> actual) {
        this.core = core;
        this.source = source;
        this.actual = actual;
    }

    // ---- towards the subscriber

    @Override
    public void request(long n) {
        if (Operators.validate(n) && source != null && started.compareAndSet(false, true)) {
            source.subscribe(this);
        }
    }

    @Override
    public void cancel() {
        started.set(true); // never subscribe if it has not yet
        stop(null);
    }

    /** Ends it with an error for the subscriber, or with null on cancellation; from any thread. */
    private void stop(@Nullable Throwable error) {
        if (over.compareAndSet(false, true)) {
            failure = error;
            Operators.terminate(UPSTREAM, this);
            act();
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
        if (Operators.setOnce(UPSTREAM, this, subscription)) {
            act();
        }
    }

    @Override
    public void onNext(T item) {
        Objects.requireNonNull(item, "item");
        if (calls.compareAndSet(0, 1)) {
            act(item);
        } else {
            waiting.add(item);
            act();
        }
    }

    @Override
    public void onComplete() {
        sourceEnded = true;
        act();
    }

    @Override
    public void onError(Throwable error) {
        Objects.requireNonNull(error, "error");
        if (over.get() || sourceEnded) {
            Operators.onErrorDropped(error, currentContext());
        } else {
            this.error = error;
            onComplete();
        }
    }

    // ---- acting

    private void act() {
        if (calls.getAndIncrement() == 0) {
            act(null);
        }
    }

    /** Acts, on the thread that found no other acting. Requests last, since a source may emit within the request. */
    private void act(@Nullable T first) {
        long more = 0;
        try {
            if (first != null) {
                if (place == null && waiting.isEmpty() && !over.get()) {
                    put(first);
                } else {
                    waiting.add(first);
                }
            }
            int answered = 1;
            do {
                more = Operators.addCap(more, step());
                answered = calls.addAndGet(-answered);
            } while (answered != 0);
        } catch (RuntimeException
                | Error e) { // from a subscriber, or from the JVM: without this no thread would act again
            calls.set(0);
            stop(e);
            throw e;
        }
        Subscription upstream = this.upstream;
        if (more > 0 && upstream != null) {
            upstream.request(more);
        }
    }

    /** Puts the available items; returns the number of items to request. */
    private long step() {
        while (!over.get()) {
            if (place != null) {
                return 0;
            }
            boolean last = sourceEnded; // read first, so that items before the end are seen below
            T item = waiting.poll();
            if (item != null) {
                put(item);
            } else if (!last) {
                return demand();
            } else if (over.compareAndSet(false, true)) {
                tell(error);
                return 0;
            }
        }
        clear();
        return 0;
    }

    private void put(T item) {
        if (due > 0 && due != Long.MAX_VALUE) {
            due--;
        }
        Place next = null;
        try {
            if (core.isRendezvous() || !core.put(item, null)) {
                next = new Place(item);
            }
        } catch (RuntimeException | Error e) { // shut down, or from a comparator
            core.undelivered(item, currentContext());
            stop(e);
            return;
        }
        if (next != null) {
            place = next;
            next.putter.request(1);
        }
    }

    /** Returns the number of items to request, once most of the requested ones have arrived. */
    private long demand() {
        if (upstream == null || due != 0 && due != core.maxsize >> 2) {
            return 0;
        }
        long wanted = core.maxsize == Integer.MAX_VALUE ? Long.MAX_VALUE : Math.max(1, core.room());
        long more = Math.max(0, wanted - due);
        due += more;
        return more;
    }

    private void clear() {
        Place left = place;
        if (left != null) {
            left.end();
        }
        for (T item; (item = waiting.poll()) != null; ) {
            core.undelivered(item, currentContext());
        }
        Throwable failure = this.failure;
        if (failure != null) {
            this.failure = null;
            tell(failure);
        }
    }

    @Override
    public Context currentContext() {
        return actual == null ? Context.empty() : actual.currentContext();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) { // the object that it waits for
            Place place = this.place;
            return place != null ? place.putter : upstream != null ? upstream : source;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.TERMINATED) {
            return over.get();
        }
        if (key == Attr.BUFFERED) {
            return waiting.size() + (place == null ? 0 : 1);
        }
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return "putAll() into " + core.describe();
    }

    /** The place of an item that waits for room; it is notified when the item enters. */
    private final class Place implements CoreSubscriber<Void> {
        private final AtomicReference<@Nullable T> item;
        final Putter<T> putter;

        Place(T item) {
            this.item = new AtomicReference<>(item);
            putter = new Putter<>(core, item, this, null, EventLoop.runningOrNull()) {
                @Override
                public @Nullable Void take(@Nullable Void value) {
                    if (claim() == null) {
                        giveBack(null);
                        throw new CancelledException(null);
                    }
                    try {
                        return super.take(null);
                    } catch (RuntimeException | Error e) {
                        core.undelivered(item, currentContext());
                        throw e;
                    }
                }

                @Override
                void notTaken() {
                    core.undelivered(item, currentContext());
                }
            };
        }

        /** Returns the item to the first caller, null to any other. */
        private @Nullable T claim() {
            return item.getAndSet(null);
        }

        /** Keeps the item from entering, unless it is just entering. */
        void end() {
            T left = claim();
            putter.cancel();
            if (left != null && !core.isGettersOwn(putter)) {
                core.undelivered(left, currentContext());
            }
        }

        @Override
        public void onSubscribe(Subscription subscription) {}

        @Override
        public void onNext(Void nothing) {}

        @Override
        public void onComplete() {
            place = null;
            act();
        }

        @Override
        public void onError(Throwable error) {
            end();
            stop(error);
        }

        @Override
        public Context currentContext() {
            return PutAllSubscriber.this.currentContext();
        }

        @Override
        public String toString() {
            return PutAllSubscriber.this.toString();
        }
    }
}
