package asyncio.bridge;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import asyncio.ThreadLocals;
import asyncio.WaitQueue;
import asyncio.internal.loop.Ring;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicLongFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/**
 * One subscriber of {@link Listeners#flux}, and the sink for its listener. Its monitor guards the buffer and the end;
 * signals are sent outside it, by the thread that has raised {@link #work} from zero.
 */
final class ListenerSubscription<T> implements ListenerSink<T>, Subscription, Scannable {
    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<ListenerSubscription> WORK =
            AtomicIntegerFieldUpdater.newUpdater(ListenerSubscription.class, "work");

    @SuppressWarnings("rawtypes")
    private static final AtomicLongFieldUpdater<ListenerSubscription> REQUESTED =
            AtomicLongFieldUpdater.newUpdater(ListenerSubscription.class, "requested");

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<ListenerSubscription, HandleList> CLEANUP =
            AtomicReferenceFieldUpdater.newUpdater(ListenerSubscription.class, HandleList.class, "cleanup");

    private final Overflow overflow;
    private final CoreSubscriber<? super T> actual;
    private final @Nullable EventLoop loop = EventLoop.runningOrNull();
    private final Runnable drain = this::drain;
    private volatile int work;
    private final Demand demand;
    private volatile long requested;

    @SuppressWarnings("UnusedVariable") // used by CLEANUP
    private volatile @Nullable HandleList cleanup;

    /** Null once the registration has been called, or must not be. */
    private Listeners.@Nullable Registration<T> registration;

    // guarded by this
    private final Ring<T> buffer = new Ring<>(16);
    private final WaitQueue<SuspendedPut> waiting = new WaitQueue<>();
    private @Nullable Throwable error;
    /** Whether no more items are accepted; written under the monitor. */
    private volatile boolean ended;
    /** Whether the subscriber has left; written under the monitor. */
    private volatile boolean cancelled;

    ListenerSubscription(Overflow overflow, Listeners.Registration<T> registration, CoreSubscriber<? super T> actual) {
        this.overflow = overflow;
        this.registration = registration;
        this.actual = actual;
        this.demand = new Demand(this, overflow.capacity, () -> ended ? -1 : buffer.size(), this::error);
    }

    // ---- the listener's side

    @Override
    public boolean next(T item) {
        Objects.requireNonNull(item, "item");
        T dropped = null;
        boolean overflown = false;
        synchronized (this) {
            demand.received();
            if (ended) {
                dropped = item;
            } else if (hasRoom()) {
                buffer.add(item);
            } else {
                switch (overflow.policy) {
                    case DROP_OLDEST -> {
                        dropped = buffer.poll();
                        buffer.add(item);
                    }
                    case DROP_NEWEST -> dropped = item;
                    case FAIL -> {
                        dropped = item;
                        overflown = true;
                    }
                }
            }
        }
        if (overflown) {
            end(Exceptions.failWithOverflow("A listener's event arrived while " + overflow.capacity
                    + " were waiting for the subscriber of " + this
                    + ": it is too slow. Use a larger capacity, or choose which events to drop"));
        }
        if (dropped != null) {
            Operators.onDiscard(dropped, actual.currentContext());
        }
        if (dropped != item) {
            schedule();
            return true;
        }
        return false;
    }

    private boolean hasRoom() {
        return buffer.size() < overflow.capacity && waiting.isEmpty();
    }

    @Override
    public Mono<Void> put(T item) {
        return put(item, () -> {});
    }

    /** @param entered runs when the item is in, under the monitor */
    private Mono<Void> put(T item, Runnable entered) {
        Objects.requireNonNull(item, "item");
        return new ColdMono<>(Put.class) {
            @Override
            protected void start(CoreSubscriber<? super Void> putter) {
                putter.onSubscribe(new SuspendedPut(item, entered, putter));
            }
        };
    }

    @Override
    public boolean putBlocking(T item) throws InterruptedException {
        if (Schedulers.isInNonBlockingThread()) {
            throw new IllegalStateException("putBlocking on thread "
                    + Thread.currentThread().getName() + ", which must not block: await(put(item)) instead");
        }
        AtomicBoolean entered = new AtomicBoolean();
        CompletableFuture<Void> done = put(item, () -> entered.set(true)).toFuture();
        try {
            done.get();
            return true;
        } catch (CancellationException refused) {
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException("Could not put an item into " + this, e.getCause());
        } catch (InterruptedException e) {
            done.cancel(false);
            synchronized (this) { // under which it would enter
                if (!entered.get()) {
                    throw e;
                }
            }
            Thread.currentThread().interrupt();
            return true;
        }
    }

    @Override
    public ListenerSink<T> onRequest(LongConsumer consumer) {
        demand.tellTo(Objects.requireNonNull(consumer, "consumer"));
        demand.tell();
        return this;
    }

    /** Names {@link #put} where coroutines that were never awaited are reported. */
    private static final class Put {}

    @Override
    public void complete() {
        end(null);
    }

    @Override
    public void error(Throwable error) {
        if (!end(Objects.requireNonNull(error, "error"))) {
            Outcomes.dropError(error, cancelled, actual.currentContext());
        }
    }

    private boolean end(@Nullable Throwable error) {
        synchronized (this) {
            if (ended) {
                return false;
            }
            ended = true;
            this.error = error;
        }
        HandleList.end(CLEANUP, this, false, actual.currentContext());
        refuseWaiting("the source has ended");
        schedule();
        return true;
    }

    private void refuseWaiting(String why) {
        for (; ; ) {
            SuspendedPut refused;
            synchronized (this) {
                refused = waiting.poll();
                if (refused == null) {
                    return;
                }
                if (!refused.refuse(why)) {
                    continue;
                }
            }
            refused.deliver();
        }
    }

    @Override
    public boolean isEnded() {
        return ended;
    }

    @Override
    public ListenerSink<T> onDispose(Disposable... registrations) {
        HandleList.add(CLEANUP, this, registrations, false, actual.currentContext());
        return this;
    }

    @Override
    public Context context() {
        return actual.currentContext();
    }

    /** A waiter for room. */
    private final class SuspendedPut extends Suspension<Void> {
        private final T item;
        private final Runnable entered;

        SuspendedPut(T item, Runnable entered, CoreSubscriber<? super Void> putter) {
            super(putter, null);
            this.item = item;
            this.entered = entered;
        }

        @Override
        protected boolean begin() {
            boolean granted;
            synchronized (ListenerSubscription.this) {
                if (ended) {
                    granted = refuse(cancelled ? "its subscriber has left" : "the source has ended");
                } else if (hasRoom()) {
                    granted = enter();
                } else {
                    granted = false;
                    if (isWaiting()) {
                        waiting.add(this);
                    }
                }
            }
            schedule();
            return granted;
        }

        /** Puts the item in, unless the putter has given up; under the monitor. */
        boolean enter() {
            boolean granted = grant(null);
            if (granted) {
                buffer.add(item);
                demand.received();
                entered.run();
            }
            return granted;
        }

        boolean refuse(String why) {
            return fail(
                    new CancellationException("Could not put an item into " + ListenerSubscription.this + ": " + why));
        }

        @Override
        protected void leave() {
            synchronized (ListenerSubscription.this) {
                waiting.remove(this);
            }
        }

        /** The item is in, and stays in. */
        @Override
        public void giveBack(@Nullable Void nothing) {}

        @Override
        protected String target() {
            return "room in " + ListenerSubscription.this;
        }
    }

    // ---- the subscriber's side

    @Override
    public void request(long n) {
        if (!Operators.validate(n)) {
            return;
        }
        Operators.addCap(REQUESTED, this, n);
        demand.add(n);
        if (loop == null || EventLoop.runningOrNull() == loop || !runOnLoop(this::meetDemand)) {
            meetDemand();
        }
    }

    private void meetDemand() {
        if (registration != null) {
            register();
        }
        demand.tell();
        if (WORK.getAndIncrement(this) == 0) {
            drain();
        }
    }

    private void register() {
        Listeners.Registration<T> registration;
        synchronized (this) {
            registration = cancelled ? null : this.registration;
            this.registration = null;
        }
        if (registration == null) {
            return;
        }
        try (ThreadLocals.Scope locals = ThreadLocals.add(context())) {
            registration.register(this);
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            error(e);
        }
    }

    @Override
    public void cancel() {
        synchronized (this) {
            if (cancelled) {
                return;
            }
            cancelled = true;
            ended = true;
        }
        HandleList.end(CLEANUP, this, true, actual.currentContext());
        refuseWaiting("its subscriber has left");
        if (WORK.getAndIncrement(this) == 0) {
            discard();
        }
    }

    /** Sends the signals on the subscriber's loop, if it has one, and then never within the listener's own call. */
    private void schedule() {
        if (WORK.getAndIncrement(this) == 0 && !runOnLoop(drain)) {
            drain();
        }
    }

    /** Runs an action on the loop; false if there is none or it is closed, so that the caller acts itself. */
    private boolean runOnLoop(Runnable action) {
        if (loop == null) {
            return false;
        }
        try {
            loop.callSoonThreadsafe(action, context());
            return true;
        } catch (IllegalStateException closed) {
            return false;
        }
    }

    private void drain() {
        int missed = work;
        do {
            long wanted = requested;
            long sent = 0;
            for (; ; ) {
                if (cancelled) {
                    discard();
                    return;
                }
                T item;
                SuspendedPut admitted = null;
                synchronized (this) {
                    item = sent == wanted ? null : buffer.poll();
                    if (item == null) {
                        break;
                    }
                    while ((admitted = waiting.poll()) != null && !admitted.enter()) {}
                }
                if (admitted != null) {
                    admitted.deliver();
                }
                actual.onNext(item);
                sent++;
            }
            if (sent > 0) {
                Operators.produced(REQUESTED, this, sent);
            }
            if (ended && terminate()) {
                return;
            }
            missed = WORK.addAndGet(this, -missed);
        } while (missed != 0);
        demand.tell();
    }

    /** Signals the end if all items are delivered; nothing is signalled after it, since {@link #work} stays raised. */
    private boolean terminate() {
        Throwable error;
        synchronized (this) {
            if (cancelled || !buffer.isEmpty()) {
                return false;
            }
            error = this.error;
        }
        if (error == null) {
            actual.onComplete();
        } else {
            actual.onError(error);
        }
        return true;
    }

    /** Discards the buffered items; nothing is signalled any more. */
    private void discard() {
        ArrayDeque<T> left;
        synchronized (this) {
            left = new ArrayDeque<>(buffer);
            buffer.clear();
        }
        left.forEach(item -> Operators.onDiscard(item, actual.currentContext()));
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
            return ended;
        }
        if (key == Attr.CAPACITY) {
            return overflow.capacity;
        }
        if (key == Attr.BUFFERED || key == Attr.ERROR) {
            synchronized (this) {
                return key == Attr.BUFFERED ? buffer.size() : error;
            }
        }
        return key == Attr.RUN_STYLE ? (loop == null ? Attr.RunStyle.SYNC : Attr.RunStyle.ASYNC) : null;
    }

    @Override
    public String toString() {
        return "<listener for " + Log.text(actual) + ">";
    }
}
