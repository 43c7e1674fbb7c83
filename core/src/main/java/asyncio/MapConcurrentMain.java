package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Memory;
import asyncio.internal.loop.Ring;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
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
 * The subscription to a {@link FluxMapConcurrent} and the subscriber to its source, which receives the signals. There
 * are as many slots as items may run at a time; a slot is taken from the request of an item to the delivery of its
 * result, so that results that wait for demand are bounded too. Events queue up in {@link #taken} and {@link #told},
 * and {@link MapConcurrentWork} handles them.
 *
 * <p>It is {@code flatMapSequential(f, n, 1)}, or {@code flatMap}, over its own tasks, with five guarantees that
 * Reactor's operators do not give: nothing is requested from the source before the first request; after a failure,
 * running work is cancelled and waited for, and its late errors are suppressed in the first; undelivered results are
 * discarded; the cost of an item does not depend on the number that run; and if the subscriber throws or memory runs
 * out, the subscription ends, and the running work with it.
 */
final class MapConcurrentMain<S, R> extends UnderWay implements CoreSubscriber<S>, Subscription, Scannable {
    private enum Gate {
        OPEN,
        /** The source is calling {@code onNext}. */
        BUSY,
        /** No more slots will be taken. */
        CLOSED
    }

    private final FluxMapConcurrent<S, R> what;
    private final EventLoop loop;
    private final CoreSubscriber<? super R> actual;
    private final Context context;
    private final TaskOptions options;
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicLong requested = new AtomicLong();
    private final AtomicReference<Gate> gate = new AtomicReference<>(Gate.OPEN);
    /** Slots that have been taken; guarded by itself. */
    private final Ring<MapConcurrentInner<R>> taken = new Ring<>(1);
    /** Slots with a Future that is done; each has been taken before. */
    private final WaiterStack<MapConcurrentInner<R>> told = new WaiterStack<>();
    /** The error of the source or of the function. */
    private final AtomicReference<@Nullable Throwable> sourceError = new AtomicReference<>();

    private volatile @Nullable Subscription source;
    private volatile boolean sourceDone;
    private volatile boolean cancelled;
    /** The clean-ups that tell a task that has disposed of this when the work has ended. */
    private final @Nullable Cleanups cleanups;

    private final MapConcurrentWork<R> work;

    MapConcurrentMain(FluxMapConcurrent<S, R> what, EventLoop loop, CoreSubscriber<? super R> actual) {
        this.what = what;
        this.loop = loop;
        this.actual = actual;
        this.context = Context.of(actual.currentContext());
        this.cleanups = Cleanups.of(context);
        this.options = new TaskOptions(null, context, null);
        this.work = new MapConcurrentWork<>(this, what, actual);
    }

    // ---- upstream

    @Override
    public void onSubscribe(Subscription subscription) {
        if (Operators.validate(source, subscription)) {
            source = subscription;
            actual.onSubscribe(this);
        }
    }

    Subscription source() {
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
        work.ask();
        if (fatal != null) {
            throw Misuse.<RuntimeException>sneaky(fatal);
        }
    }

    /** Allocates before it starts the task, since memory may run out and a task that was not recorded would be lost. */
    private void start(S item) {
        synchronized (taken) {
            taken.reserve();
        }
        Memory.need();
        MapConcurrentInner<R> slot = new MapConcurrentInner<>(this);
        start(item, slot);
        synchronized (taken) {
            taken.add(slot);
        }
        if (!slot.future().addWaiter(slot)) {
            told.add(slot);
        }
    }

    private void start(S item, MapConcurrentInner<R> slot) {
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
        work.ask();
    }

    @Override
    public void onComplete() {
        sourceDone = true;
        work.ask();
    }

    @Override
    public Context currentContext() {
        return context;
    }

    // ---- downstream

    @Override
    CoreSubscriber<?> subscriber() {
        return actual;
    }

    /** Its tasks answer for themselves. */
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
        work.ask();
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            if (cleanups != null) {
                cleanups.await(this); // before others see that it is cancelled, and believe that no work is left
            }
            cancelled = true;
            work.ask();
        }
    }

    /** Called on the loop when a slot's Future is done. */
    void ended(MapConcurrentInner<R> slot) {
        told.add(slot);
        work.ask();
    }

    LoopCore loop() {
        return loop.core;
    }

    // ---- for MapConcurrentWork

    boolean isCancelled() {
        return cancelled;
    }

    boolean isSourceDone() {
        return sourceDone;
    }

    boolean hasSourceError() {
        return sourceError.get() != null;
    }

    @Nullable Throwable takeSourceError() {
        return sourceError.getAndSet(null);
    }

    long requested() {
        return requested.get();
    }

    void delivered(long n) {
        requested.addAndGet(-n);
    }

    /** Returns a slot with a Future that is done; it has been taken before. */
    @Nullable MapConcurrentInner<R> peekTold() {
        return told.peek();
    }

    void pollTold() {
        told.poll();
    }

    @Nullable MapConcurrentInner<R> pollTaken() {
        synchronized (taken) {
            return taken.poll();
        }
    }

    /**
     * Takes no more slots from now on; returns false if the source is delivering one more, which will then call for
     * more work.
     */
    boolean close() {
        return gate.compareAndSet(Gate.OPEN, Gate.CLOSED) || gate.get() == Gate.CLOSED;
    }

    /** Called when all work has ended. */
    void leave() {
        if (cleanups != null) {
            cleanups.leave(this);
        }
    }

    // ---- inspection

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
            return work.isOver();
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
