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
 * A subscription to {@link FluxMapConcurrent}, and its own to the source: what comes in. There are as many slots as may
 * run at a time; one is taken from when an item is asked of the source until its result is delivered, so that results
 * that wait for demand are bounded too. Everything that happens queues up in {@link #taken} and {@link #told}, and
 * {@link MapConcurrentWork} answers it.
 *
 * <p>It is {@code flatMapSequential(f, n, 1)}, or {@code flatMap}, over tasks of its own, but for five promises that
 * Reactor's operators do not keep: nothing is asked of the source before the first request; after a failure what runs
 * is cancelled and waited for, and its late errors are suppressed in the first; results that are not delivered are
 * discarded; an item costs the same however many run; and where the subscriber throws or memory is out, it ends, and
 * what runs ends with it.
 */
final class MapConcurrentMain<S, R> extends UnderWay implements CoreSubscriber<S>, Subscription, Scannable {
    private enum Gate {
        OPEN,
        /** The source is in {@code onNext}. */
        BUSY,
        /** No slot will be taken any more. */
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
    /** Slots whose Future is done; each has been taken before. */
    private final WaiterStack<MapConcurrentInner<R>> told = new WaiterStack<>();
    /** The source's error, or that of the function. */
    private final AtomicReference<@Nullable Throwable> sourceError = new AtomicReference<>();

    private volatile @Nullable Subscription source;
    private volatile boolean sourceDone;
    private volatile boolean cancelled;
    /** The clean-ups through which a task that has disposed of this hears of the end of the work. */
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

    // ---- towards the source

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

    /** Memory may be out: it allocates before the task has been started, which nobody else would know of. */
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
        work.ask();
    }

    @Override
    public void cancel() {
        if (!cancelled) {
            if (cleanups != null) {
                cleanups.await(this); // before anybody sees that it is cancelled, and believes that nothing is left
            }
            cancelled = true;
            work.ask();
        }
    }

    /** A slot's Future is done; on the loop. */
    void ended(MapConcurrentInner<R> slot) {
        told.add(slot);
        work.ask();
    }

    LoopCore loop() {
        return loop.core;
    }

    // ---- for the work

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

    /** A slot whose Future is done; it has been taken before. */
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

    /** No slot is taken from now on; false if the source is bringing one more, and asks for more work then. */
    boolean close() {
        return gate.compareAndSet(Gate.OPEN, Gate.CLOSED) || gate.get() == Gate.CLOSED;
    }

    /** All has ended. */
    void leave() {
        if (cleanups != null) {
            cleanups.leave(this);
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
