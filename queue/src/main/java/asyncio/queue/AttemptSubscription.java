package asyncio.queue;

import asyncio.EventLoop;
import asyncio.KeepingSubscription;
import asyncio.Suspension;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * A subscription that first tries the queue once, and becomes a {@link Suspension} if it must wait. It is half as large
 * as one, and most puts and gets never wait.
 */
abstract class AttemptSubscription<T> implements KeepingSubscription, Scannable {
    private static final VarHandle STATE;
    private static final Object DONE = "done";
    private static final Object CANCELLED = "cancelled";

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(AttemptSubscription.class, "state", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final CoreSubscriber<? super T> actual;
    /** Null before the request; {@link #DONE}, {@link #CANCELLED}, or the suspension. */
    private volatile @Nullable Object state;

    AttemptSubscription(CoreSubscriber<? super T> actual) {
        this.actual = actual;
    }

    /** Tries the queue and signals the outcome to the subscriber; false if it must wait. */
    abstract boolean succeeds();

    /** @param loop the loop on which it is requested, and resumes */
    abstract Suspension<T> suspend(@Nullable EventLoop loop);

    /** Takes the outcome, under the queue's monitor; false if it was cancelled. */
    final boolean claim() {
        return STATE.compareAndSet(this, null, DONE);
    }

    @Override
    public final void request(long n) {
        if (!Operators.validate(n) || state != null || succeeds()) {
            return;
        }
        Suspension<T> suspension = suspend(EventLoop.runningOrNull());
        if (STATE.compareAndSet(this, null, suspension)) {
            suspension.request(n);
        }
    }

    @Override
    public final void withhold(BooleanSupplier cancelled) {
        if (state instanceof Suspension<?> suspension) {
            suspension.withhold(cancelled);
        } // else it already has its outcome
    }

    @Override
    public final void cancel() {
        if (STATE.getAndSet(this, CANCELLED) instanceof Suspension<?> suspension) {
            suspension.cancel();
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public final @Nullable Object scanUnsafe(Attr key) {
        Object state = this.state;
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (state instanceof Suspension<?> suspension) {
            return suspension.scanUnsafe(key);
        }
        if (key == Attr.CANCELLED) {
            return state == CANCELLED;
        }
        if (key == Attr.TERMINATED) {
            return state == DONE;
        }
        return null;
    }
}
