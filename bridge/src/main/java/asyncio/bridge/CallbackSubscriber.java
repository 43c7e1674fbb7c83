package asyncio.bridge;

import asyncio.EventLoop;
import asyncio.ThreadLocals;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Passes the end of a Mono to a callback. The first to take the state out of {@link #WAITING} wins: the Mono's end, or
 * the handle. A handle that is disposed of between the end and the callback's tick still wins, by moving {@link #ENDED}
 * to {@link #DISPOSED}.
 */
final class CallbackSubscriber<T> implements CoreSubscriber<T>, Disposable, Scannable {
    private static final AtomicIntegerFieldUpdater<CallbackSubscriber<?>> STATE = updater();
    private static final int WAITING = 0;
    private static final int ENDED = 1;
    private static final int CALLED = 2;
    private static final int DISPOSED = 3;

    private final Mono<? extends T> mono;
    private final BiConsumer<? super @Nullable T, ? super @Nullable Throwable> callback;
    private final Cancellation cancellation;
    private final @Nullable EventLoop loop = EventLoop.runningOrNull();
    private final Context context = ThreadLocals.capture();
    private final Disposable.Swap subscription = Disposables.swap();
    private volatile int state;

    private CallbackSubscriber(
            Mono<? extends T> mono,
            BiConsumer<? super @Nullable T, ? super @Nullable Throwable> callback,
            Cancellation cancellation) {
        this.mono = mono;
        this.callback = callback;
        this.cancellation = cancellation;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static AtomicIntegerFieldUpdater<CallbackSubscriber<?>> updater() {
        return (AtomicIntegerFieldUpdater) AtomicIntegerFieldUpdater.newUpdater(CallbackSubscriber.class, "state");
    }

    static <T> Disposable start(
            Mono<? extends T> mono,
            BiConsumer<? super @Nullable T, ? super @Nullable Throwable> callback,
            Cancellation cancellation) {
        CallbackSubscriber<T> delivery = new CallbackSubscriber<>(
                Objects.requireNonNull(mono, "mono"), callback, Objects.requireNonNull(cancellation, "cancellation"));
        mono.subscribe(delivery);
        return delivery;
    }

    @Override
    public void onSubscribe(Subscription s) {
        subscription.replace(s::cancel); // cancels it if the handle has been disposed of
        s.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(T value) {
        end(value, null);
    }

    @Override
    public void onError(Throwable error) {
        end(null, error);
    }

    @Override
    public void onComplete() {
        if (state == WAITING) { // else a value was the end
            end(null, null);
        }
    }

    private void end(@Nullable T value, @Nullable Throwable error) {
        if (!STATE.compareAndSet(this, WAITING, ENDED)) {
            drop(value, error);
            return;
        }
        if (loop != null) {
            try {
                loop.callSoonThreadsafe(() -> call(value, error), context);
                return;
            } catch (IllegalStateException e) {
                // the loop is closed: call back here, or the caller would hang
            }
        }
        call(value, error);
    }

    private void call(@Nullable T value, @Nullable Throwable error) {
        if (!STATE.compareAndSet(this, ENDED, CALLED)) {
            drop(value, error);
            return;
        }
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            callback.accept(value, error);
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            Operators.onErrorDropped(e, context);
        }
    }

    private void drop(@Nullable T value, @Nullable Throwable error) {
        if (error != null) {
            Outcomes.dropError(error, state == DISPOSED, context);
        } else {
            Operators.onDiscard(value, context);
        }
    }

    @Override
    public void dispose() {
        for (; ; ) {
            int before = state;
            if (before >= CALLED) {
                return;
            }
            if (STATE.compareAndSet(this, before, DISPOSED)) {
                if (before == WAITING && cancellation == Cancellation.PROPAGATE) {
                    subscription.dispose();
                    Outcomes.cancel(mono);
                }
                return;
            }
        }
    }

    @Override
    public boolean isDisposed() {
        return state >= CALLED;
    }

    @Override
    public Context currentContext() {
        return context;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return mono instanceof Scannable ? mono : null;
        }
        if (key == Attr.TERMINATED) {
            return state == CALLED;
        }
        return key == Attr.CANCELLED ? state == DISPOSED : null;
    }
}
