package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.concurrent.Queues;
import reactor.util.context.Context;

/**
 * A subscription to {@link MapConcurrent}, and its own to the source. There are as many slots as may run at a time; one
 * is taken from when an item is asked of the source until its result is delivered, so that results that wait for demand
 * are bounded too.
 *
 * <p>Everything that happens queues up in {@link #news}; whoever comes first works for all, so that signals never
 * overlap and never recur, and the fields below {@link #calls} need no other guard.
 */
final class Mapping<S, R> extends UnderWay implements CoreSubscriber<S>, Subscription, Scannable {
    private enum Gate {
        OPEN,
        /** The source is in {@code onNext}. */
        BUSY,
        /** No slot will be taken any more. */
        CLOSED
    }

    private final MapConcurrent<S, R> what;
    private final EventLoop loop;
    private final CoreSubscriber<? super R> actual;
    private final Context context;
    private final TaskOptions options;
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicLong requested = new AtomicLong();
    private final AtomicReference<Gate> gate = new AtomicReference<>(Gate.OPEN);
    /** Slots, each twice: when it has been taken, and when its Future is done. */
    private final Queue<Slot<S, R>> news =
            Queues.<Slot<S, R>>unboundedMultiproducer().get();
    /** The source's error, or that of the function. */
    private final AtomicReference<@Nullable Throwable> sourceError = new AtomicReference<>();

    private volatile @Nullable Subscription source;
    private volatile boolean sourceDone;
    private volatile boolean cancelled;
    private volatile boolean terminated;
    /** Where a task that has disposed of this is told that what runs has ended. */
    private final @Nullable Cleanups cleanups;
    /** Calls of {@link #work} that the one at work has not answered. */
    private final AtomicInteger calls = new AtomicInteger();

    /** What runs and, in order, what waits for its delivery; linked. */
    private @Nullable Slot<S, R> first;

    private @Nullable Slot<S, R> last;
    /** Out of order: what waits for its delivery. */
    private final Ring<Slot<S, R>> ready = new Ring<>(1);

    private int running;
    private int freed;
    private @Nullable Throwable failure;
    private boolean ending;

    Mapping(MapConcurrent<S, R> what, EventLoop loop, CoreSubscriber<? super R> actual) {
        this.what = what;
        this.loop = loop;
        this.actual = actual;
        this.context = Context.of(actual.currentContext());
        this.cleanups = Cleanups.of(context);
        this.options = new TaskOptions(null, context, null);
    }

    // ---- towards the source

    @Override
    public void onSubscribe(Subscription subscription) {
        if (Operators.validate(source, subscription)) {
            source = subscription;
            actual.onSubscribe(this);
        }
    }

    private Subscription source() {
        return Objects.requireNonNull(source, "onSubscribe comes first");
    }

    @Override
    public void onNext(S item) {
        if (!gate.compareAndSet(Gate.OPEN, Gate.BUSY)) {
            Operators.onDiscard(item, context);
            return;
        }
        Slot<S, R> slot = null;
        try {
            slot = start(item);
            news.add(slot);
        } catch (Throwable e) {
            fail(Operators.onOperatorError(source(), e, item, context));
        } finally {
            gate.set(Gate.OPEN);
        }
        if (slot != null && !slot.future.addWaiter(slot)) {
            news.add(slot);
        }
        work();
    }

    private Slot<S, R> start(S item) {
        Mono<? extends R> mono = what.function.apply(item);
        if (mono == null) {
            throw new NullPointerException(
                    "The function given to mapConcurrent returned null, not a Mono, for " + Log.text(item));
        }
        Future<R> future = Children.start(mono, loop, options);
        return new Slot<>(this, future, future != (Object) mono);
    }

    private void fail(Throwable error) {
        if (sourceDone || !sourceError.compareAndSet(null, error)) {
            Operators.onErrorDropped(error, context);
        }
        sourceDone = true;
    }

    @Override
    public void onError(Throwable error) {
        fail(error);
        work();
    }

    @Override
    public void onComplete() {
        sourceDone = true;
        work();
    }

    @Override
    public Context currentContext() {
        return context;
    }

    // ---- towards the subscriber

    @Override
    CoreSubscriber<?> subscriber() {
        return actual;
    }

    /** Its tasks tell themselves. */
    @Override
    boolean isForeign(EventLoop loop) {
        return false;
    }

    @Override
    public void request(long n) {
        if (!Operators.validate(n)) {
            return;
        }
        requested.accumulateAndGet(n, Operators::addCap);
        if (started.compareAndSet(false, true)) {
            if (cleanups != null) {
                cleanups.enter(this);
            }
            source().request(what.concurrency == Integer.MAX_VALUE ? Long.MAX_VALUE : what.concurrency);
        }
        work();
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            if (cleanups != null) {
                cleanups.await(this); // before anybody sees that it is cancelled, and believes that nothing is left
            }
            cancelled = true;
            work();
        }
    }

    // ---- the work

    private void work() {
        if (calls.getAndIncrement() == 0) {
            int answered = 1;
            do {
                try {
                    workOnce();
                } catch (Throwable e) {
                    breakOff(e);
                }
                answered = calls.addAndGet(-answered);
            } while (answered != 0);
        }
    }

    /** Code of others', or the JVM, has failed in the middle of the work: it ends here, and nobody waits for more. */
    private void breakOff(Throwable e) {
        if (!terminated) {
            terminated = true;
            leave();
            for (Slot<S, R> slot = first; slot != null; slot = slot.after) {
                try {
                    slot.future.cancel(null);
                } catch (Throwable again) {
                    Suppressed.add(e, again);
                }
            }
            if (cancelled) {
                Operators.onErrorDropped(e, context);
            } else {
                actual.onError(e);
            }
        } else {
            Operators.onErrorDropped(e, context);
        }
        if (e instanceof Error fatal && Exceptions.isJvmFatal(fatal)) {
            calls.set(0); // whoever comes later finds it over
            throw fatal;
        }
    }

    private void workOnce() {
        if (terminated) {
            leave();
            Throwable late = sourceError.getAndSet(null);
            if (late != null) {
                Operators.onErrorDropped(late, context);
            }
            return;
        }
        boolean noMore = sourceDone; // before the news: then all of the source's are among them
        takeNews();
        if (!ending && (cancelled || failure != null || sourceError.get() != null)) {
            beginToEnd();
        }
        if (ending) {
            end();
        } else {
            deliver(noMore);
        }
    }

    private void takeNews() {
        for (Slot<S, R> slot; (slot = news.poll()) != null; ) {
            if (!slot.known) {
                slot.known = true;
                running++;
                link(slot);
                if (ending) {
                    slot.future.cancel(whyEnding());
                }
            } else {
                running--;
                settle(slot);
            }
        }
    }

    private void settle(Slot<S, R> slot) {
        slot.ended = true;
        Throwable error = slot.future.failure();
        slot.future.markRetrieved();
        if (ending || failure != null) {
            unlink(slot);
            lose(slot, error);
        } else if (error != null) {
            unlink(slot);
            failure = error;
        } else if (slot.future.resultOrNull() == null) {
            unlink(slot);
            freed++;
        } else if (!what.ordered) {
            unlink(slot);
            ready.add(slot);
        }
    }

    private void deliver(boolean noMore) {
        long demand = requested.get();
        long delivered = 0;
        for (Slot<S, R> next; delivered < demand && !cancelled && (next = takeReady()) != null; delivered++) {
            freed++;
            actual.onNext(Objects.requireNonNull(next.future.resultOrNull()));
        }
        if (delivered > 0 && demand != Long.MAX_VALUE) {
            requested.addAndGet(-delivered);
        }
        if (cancelled) {
            return; // cancel() has asked for more work
        }
        if (noMore) {
            if (first == null && ready.isEmpty() && sourceError.get() == null) {
                terminated = true;
                leave();
                actual.onComplete();
            }
        } else if (freed > 0 && what.concurrency != Integer.MAX_VALUE) {
            int n = freed;
            freed = 0;
            source().request(n);
        }
    }

    private @Nullable Slot<S, R> takeReady() {
        if (!what.ordered) {
            return ready.poll();
        }
        Slot<S, R> next = first;
        if (next == null || !next.ended) {
            return null;
        }
        unlink(next);
        return next;
    }

    // ---- the end by cancellation or failure: what runs is cancelled, and waited for

    private String whyEnding() {
        return cancelled
                ? "The subscription to mapConcurrent was cancelled"
                : "mapConcurrent failed: " + Log.text(failure);
    }

    private void beginToEnd() {
        ending = true;
        if (failure == null && !cancelled) {
            failure = sourceError.getAndSet(null);
        }
        if (!sourceDone) {
            source().cancel();
        }
        List<Future<?>> left = new ArrayList<>();
        for (Slot<S, R> slot = first, after; slot != null; slot = after) {
            after = slot.after;
            if (slot.ended) {
                unlink(slot);
                lose(slot, null);
            } else {
                left.add(slot.future);
            }
        }
        Future.cancelAll(left, whyEnding());
        for (Slot<S, R> slot; (slot = ready.poll()) != null; ) {
            lose(slot, null);
        }
    }

    private void end() {
        if (!gate.compareAndSet(Gate.OPEN, Gate.CLOSED) && gate.get() == Gate.BUSY) {
            return; // the source is bringing one more, and asks for more work then
        }
        takeNews(); // what it brought before the gate was closed
        Throwable late = sourceError.getAndSet(null);
        if (late != null) {
            loseError(late);
        }
        if (running > 0) {
            return;
        }
        terminated = true;
        leave();
        Throwable failure = this.failure;
        if (failure != null && !cancelled) {
            actual.onError(failure);
        } else if (failure != null) {
            Operators.onErrorDropped(failure, context);
        }
    }

    private void leave() {
        if (cleanups != null) {
            cleanups.leave(this);
        }
    }

    private void lose(Slot<S, R> slot, @Nullable Throwable error) {
        if (error != null) {
            loseError(error);
        } else if (slot.ours) {
            Operators.onDiscard(slot.future.resultOrNull(), context);
        }
    }

    private void loseError(Throwable error) {
        if (error instanceof CancelledException) {
            return; // of our own making
        }
        Throwable failure = this.failure;
        if (failure == null || !Suppressed.tryAdd(failure, error)) {
            Operators.onErrorDropped(error, context);
        }
    }

    // ---- the list

    private void link(Slot<S, R> slot) {
        slot.before = last;
        if (last == null) {
            first = slot;
        } else {
            last.after = slot;
        }
        last = slot;
    }

    private void unlink(Slot<S, R> slot) {
        if (slot.before == null) {
            first = slot.after;
        } else {
            slot.before.after = slot.after;
        }
        if (slot.after == null) {
            last = slot.before;
        } else {
            slot.after.before = slot.before;
        }
        slot.before = null;
        slot.after = null;
    }

    /** One item on its way; hears of its Future on the loop. */
    private static final class Slot<S, R> extends Waiter {
        private final Mapping<S, R> mapping;
        private final Future<R> future;
        /** Whether the Future was started here, so that nobody else has its result. */
        private final boolean ours;
        /** Its first news has been taken. */
        private boolean known;

        private boolean ended;
        private @Nullable Slot<S, R> before;
        private @Nullable Slot<S, R> after;

        Slot(Mapping<S, R> mapping, Future<R> future, boolean ours) {
            this.mapping = mapping;
            this.future = future;
            this.ours = ours;
        }

        @Override
        public void run() {
            mapping.news.add(this);
            mapping.work();
        }

        @Override
        Object tells() {
            return mapping.actual;
        }

        @Override
        LoopCore resumesOn() {
            return mapping.loop.core;
        }

        @Override
        public String toString() {
            return mapping.toString();
        }
    }

    // ---- looking at it

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return source;
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
        if (key == Attr.PREFETCH) {
            return what.concurrency;
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
}
