package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Memory;
import asyncio.internal.loop.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
import reactor.util.context.Context;

/**
 * A subscription to {@link MapConcurrent}, and its own to the source. There are as many slots as may run at a time; one
 * is taken from when an item is asked of the source until its result is delivered, so that results that wait for demand
 * are bounded too.
 *
 * <p>Everything that happens queues up in {@link #taken} and {@link #told}; whoever comes first works for all, so that
 * signals never overlap and never recur, and the fields below {@link #calls} need no other guard.
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
    /** Slots that have been taken; guarded by itself. */
    private final Ring<MappingSlot<R>> taken = new Ring<>(1);
    /** Slots whose Future is done; each has been taken before. */
    private final ToldWaiters<MappingSlot<R>> told = new ToldWaiters<>();
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

    /** What runs and, in order, what waits for its delivery. */
    private final MappingSlot.InOrder<R> slots = new MappingSlot.InOrder<>();
    /** Out of order: what waits for its delivery. */
    private final Ring<MappingSlot<R>> ready = new Ring<>(1);

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
        Throwable fatal = null;
        try {
            start(item);
        } catch (Throwable e) {
            if (Exceptions.isFatal(e)) {
                fatal = e;
                source().cancel();
                fail(e);
            } else {
                fail(Operators.onOperatorError(source(), e, item, context));
            }
        } finally {
            gate.set(Gate.OPEN);
        }
        work();
        if (fatal != null) {
            throw Misuse.<RuntimeException>sneaky(fatal);
        }
    }

    /** Memory may be out: it allocates before the task has been started, which nobody else would know of. */
    private void start(S item) {
        synchronized (taken) {
            taken.reserve();
        }
        Memory.need();
        MappingSlot<R> slot = new MappingSlot<>(this);
        start(item, slot);
        synchronized (taken) {
            taken.add(slot);
        }
        if (!slot.future().addWaiter(slot)) {
            told.add(slot);
        }
    }

    private void start(S item, MappingSlot<R> slot) {
        Mono<? extends R> mono = what.function.apply(item);
        if (mono == null) {
            throw new NullPointerException(
                    "The function given to mapConcurrent returned null, not a Mono, for " + Log.text(item));
        }
        Future<R> future = Children.start(mono, loop, options);
        slot.started(future, future != (Object) mono);
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
    boolean isForeign(LoopCore loop) {
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

    /** A slot's Future is done; on the loop. */
    void ended(MappingSlot<R> slot) {
        told.add(slot);
        work();
    }

    LoopCore loop() {
        return loop.core;
    }

    // ---- the work

    private void work() {
        if (calls.getAndIncrement() == 0) {
            Throwable thrown = null;
            int answered = 1;
            do {
                try {
                    workOnce();
                } catch (Throwable e) {
                    Throwable fatal = breakOff(e);
                    thrown = thrown == null ? fatal : thrown;
                }
                answered = calls.addAndGet(-answered);
            } while (answered != 0);
            if (thrown != null) {
                throw Misuse.<RuntimeException>sneaky(thrown);
            }
        }
    }

    /**
     * The subscriber, or the JVM, has failed in the middle of the work: a failure as any other. What was cut short is
     * done again; each time less is left.
     *
     * @return what is to be thrown in the end
     */
    private @Nullable Throwable breakOff(Throwable e) {
        if (!terminated) {
            calls.incrementAndGet();
        }
        if (terminated || ending || cancelled || failure != null) {
            try {
                loseError(e);
            } catch (Throwable hook) {
                return hook;
            }
        } else {
            failure = e;
        }
        return Exceptions.isJvmFatal(e) ? e : null;
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
        MappingSlot<R> done;
        do {
            done = told.peek(); // first: then it is among those taken
            takeTaken();
            if (done != null) {
                told.poll();
                running--;
                settle(done);
            }
        } while (done != null);
    }

    private void takeTaken() {
        for (MappingSlot<R> slot; (slot = pollTaken()) != null; ) {
            running++;
            slots.add(slot);
            if (ending) {
                slot.future().cancel(whyEnding());
            }
        }
    }

    private @Nullable MappingSlot<R> pollTaken() {
        synchronized (taken) {
            return taken.poll();
        }
    }

    private void settle(MappingSlot<R> slot) {
        slot.ended = true;
        Throwable error = slot.future().failure();
        slot.future().markRetrieved();
        if (ending || failure != null) {
            slots.remove(slot);
            lose(slot, error);
        } else if (error != null) {
            slots.remove(slot);
            failure = error;
        } else if (slot.future().resultOrNull() == null) {
            slots.remove(slot);
            freed++;
        } else if (!what.ordered) {
            ready.add(slot); // which may need memory
            slots.remove(slot);
        }
    }

    private void deliver(boolean noMore) {
        long demand = requested.get();
        long delivered = 0;
        for (MappingSlot<R> next; delivered < demand && !cancelled && (next = takeReady()) != null; delivered++) {
            freed++;
            actual.onNext(Objects.requireNonNull(next.future().resultOrNull()));
        }
        if (delivered > 0 && demand != Long.MAX_VALUE) {
            requested.addAndGet(-delivered);
        }
        if (cancelled) {
            return; // cancel() has asked for more work
        }
        if (noMore) {
            if (slots.first() == null && ready.isEmpty() && sourceError.get() == null) {
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

    private @Nullable MappingSlot<R> takeReady() {
        if (!what.ordered) {
            return ready.poll();
        }
        MappingSlot<R> next = slots.first();
        if (next == null || !next.ended) {
            return null;
        }
        slots.remove(next);
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
        try {
            if (!sourceDone) {
                source().cancel();
            }
        } finally {
            loseWhatIsReady();
            cancelWhatRuns();
        }
    }

    private void loseWhatIsReady() {
        for (MappingSlot<R> slot = slots.first(), after; slot != null; slot = after) {
            after = slot.after;
            if (slot.ended) {
                slots.remove(slot);
                lose(slot, null);
            }
        }
        for (MappingSlot<R> slot; (slot = ready.poll()) != null; ) {
            lose(slot, null);
        }
    }

    private void cancelWhatRuns() {
        try {
            Memory.need();
            List<Future<?>> left = new ArrayList<>();
            for (MappingSlot<R> slot = slots.first(); slot != null; slot = slot.after) {
                left.add(slot.future());
            }
            Future.cancelAll(left, whyEnding());
        } catch (OutOfMemoryError e) {
            for (MappingSlot<R> slot = slots.first(); slot != null; slot = slot.after) {
                slot.future().cancel(null);
            }
            throw e;
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

    private void lose(MappingSlot<R> slot, @Nullable Throwable error) {
        if (error != null) {
            loseError(error);
        } else if (slot.isOurs()) {
            Operators.onDiscard(slot.future().resultOrNull(), context);
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
