package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * One subscriber of a {@link Future}. It joins the Future's waiters with its first request. The state decides between
 * the signal and {@link #cancel}: the first to leave {@link #REQUESTED} wins.
 */
final class FutureSubscription<T> extends Waiter implements Subscription, Scannable {
    private static final AtomicIntegerFieldUpdater<FutureSubscription<?>> STATE = updater();
    private static final int SUBSCRIBED = 0;
    private static final int REQUESTED = 1;
    private static final int SIGNALLED = 2;
    private static final int CANCELLED = 3;

    private final Future<T> future;
    private final CoreSubscriber<? super T> actual;
    private volatile int state;

    FutureSubscription(Future<T> future, CoreSubscriber<? super T> actual) {
        this.future = future;
        this.actual = actual;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static AtomicIntegerFieldUpdater<FutureSubscription<?>> updater() {
        return (AtomicIntegerFieldUpdater) AtomicIntegerFieldUpdater.newUpdater(FutureSubscription.class, "state");
    }

    @Override
    public void request(long n) {
        if (Operators.validate(n) && STATE.compareAndSet(this, SUBSCRIBED, REQUESTED)) {
            if (!future.addWaiter(this)) {
                run();
            } else if (state == CANCELLED) {
                future.removeWaiter(this); // cancelled between the two lines above: cancel() found nothing to remove
            }
        }
    }

    @Override
    public void cancel() {
        detach();
    }

    /** Like {@link #cancel}, but returns true for the one call that ends the subscription before a signal. */
    boolean detach() {
        int before = STATE.getAndSet(this, CANCELLED);
        if (before == REQUESTED) {
            future.removeWaiter(this);
        }
        return before < SIGNALLED;
    }

    @Override
    public void run() {
        if (STATE.compareAndSet(this, REQUESTED, SIGNALLED)) {
            EventLoop loop = future.getLoop();
            if (loop == null) {
                future.emit(this);
                return;
            }
            try {
                future.emit(this);
            } catch (Exception e) {
                loop.callExceptionHandler(ExceptionContext.of("Exception in a subscriber of " + future)
                        .exception(Misuse.explain(e))
                        .future(future)
                        .build());
            }
        }
    }

    void next(T value) {
        actual.onNext(value);
    }

    void error(Throwable error) {
        actual.onError(error);
    }

    /** Completes, unless the subscriber cancelled at the value. */
    void complete() {
        if (state == SIGNALLED) {
            actual.onComplete();
        }
    }

    @Override
    CoreSubscriber<?> subscriber() {
        return actual;
    }

    @Override
    @Nullable LoopCore resumesOn() {
        return EventLoop.coreOf(future.getLoop());
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return future;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.CANCELLED) {
            return state == CANCELLED;
        }
        if (key == Attr.TERMINATED) {
            return state == SIGNALLED;
        }
        if (key == Attr.RUN_STYLE) {
            return future.getLoop() == null ? Attr.RunStyle.SYNC : Attr.RunStyle.ASYNC;
        }
        return null;
    }

    @Override
    public String toString() {
        return "<subscription of " + Log.text(actual) + " to " + future + ">";
    }
}
