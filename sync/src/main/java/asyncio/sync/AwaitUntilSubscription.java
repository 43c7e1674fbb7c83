package asyncio.sync;

import asyncio.AwaitedSubscription;
import asyncio.CancelledException;
import asyncio.EventLoop;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Waits on a {@link Condition}, repeatedly, until a predicate is true. A chain of operators would do, but could not be
 * requested to end: this ends like each of its waits, with the lock.
 *
 * <p>The call that takes the state out of {@link #WAITING} decides the end: a turn in which the predicate is true, a
 * request to end, which the next turn obeys, or a cancellation.
 */
final class AwaitUntilSubscription implements AwaitedSubscription<Void>, CoreSubscriber<Void>, Scannable {
    private static final Object NEW = "new";
    private static final Object WAITING = "waiting";
    private static final Object OVER = "over";

    private final Condition condition;
    private final BooleanSupplier predicate;
    private final CoreSubscriber<? super Void> actual;
    /** One of the states above, or the {@link CancelledException} to end with. */
    private final AtomicReference<Object> state = new AtomicReference<>(NEW);

    private volatile @Nullable ConditionSuspension current;

    AwaitUntilSubscription(Condition condition, BooleanSupplier predicate, CoreSubscriber<? super Void> actual) {
        this.condition = condition;
        this.predicate = predicate;
        this.actual = actual;
    }

    @Override
    public void request(long n) {
        if (Operators.validate(n) && state.compareAndSet(NEW, WAITING)) {
            ask();
        }
    }

    /** Tests the predicate, with the lock unless it is not held. */
    private void ask() {
        boolean enough;
        try {
            enough = predicate.getAsBoolean();
        } catch (Throwable e) {
            end(Operators.onOperatorError(e, currentContext()));
            return;
        }
        if (enough) {
            end(null);
            return;
        }
        ConditionSuspension next = new ConditionSuspension(condition, this, null);
        current = next;
        next.request(1);
        Object since = state.get(); // set by a thread that did not see the new wait yet
        if (since instanceof CancelledException cancelled) {
            next.requestCancel(cancelled.getMessage());
        } else if (since == OVER) {
            next.cancel();
        }
    }

    private void end(@Nullable Throwable error) {
        Object before = state.getAndSet(OVER);
        if (before == WAITING) {
            if (error == null) {
                actual.onComplete();
            } else {
                actual.onError(error);
            }
            return;
        }
        if (error != null && error != before) {
            Operators.onErrorDropped(error, currentContext());
        }
        if (before instanceof CancelledException cancelled) {
            giveBack(null);
            actual.onError(cancelled);
        }
    }

    // ---- of the wait

    @Override
    public void onComplete() {
        if (state.get() == WAITING) {
            ask();
        } else {
            end(null);
        }
    }

    @Override
    public void onError(Throwable error) {
        if (error instanceof CancelledException && state.get() instanceof CancelledException asked) {
            end(asked);
        } else {
            end(error);
        }
    }

    @Override
    public void onNext(Void nothing) {}

    @Override
    public void onSubscribe(Subscription subscription) {
        throw new UnsupportedOperationException("created with its subscription");
    }

    @Override
    public Context currentContext() {
        return actual.currentContext();
    }

    // ---- of the subscriber

    @Override
    public boolean requestCancel(@Nullable String message) {
        CancelledException cancelled = CancelledException.of(EventLoop.runningOrNull(), message);
        for (; ; ) {
            Object before = state.get();
            if (before == OVER || before instanceof CancelledException) {
                return before != OVER;
            }
            if (!state.compareAndSet(before, before == NEW ? OVER : cancelled)) {
                continue;
            }
            ConditionSuspension waiting = current;
            if (before == NEW) {
                actual.onError(cancelled);
            } else if (waiting != null) {
                waiting.requestCancel(message); // if that wait has ended, its turn is still to come
            }
            return true;
        }
    }

    @Override
    public void cancel() {
        state.set(OVER);
        ConditionSuspension waiting = current;
        if (waiting != null) {
            waiting.cancel();
        }
    }

    /** Passes on a signal that the task had received: it has the lock, but was cancelled. */
    @Override
    public void giveBack(@Nullable Void value) {
        ConditionSuspension last = current;
        if (last != null) {
            last.giveBack(null);
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return current;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.TERMINATED) {
            return state.get() == OVER;
        }
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return "<" + actual + " waiting on " + condition + ">";
    }
}
