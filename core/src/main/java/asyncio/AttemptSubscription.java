package asyncio;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;

/**
 * A subscription that needs no more than one look at its source, and becomes a {@link Suspension} if it must wait. It
 * is half as large, and most subscriptions need no other. For authors of sources; a task that awaits directly is given
 * a suspension at once, see {@link Suspension#isAwait}.
 *
 * <p>The outcome belongs to the first of {@link #claim} and {@link #cancel}.
 *
 * @param <T> the type of the value
 * @since 0.1
 */
@Experimental
public abstract class AttemptSubscription<T> implements KeepingSubscription, Scannable {
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

    private final CoreSubscriber<? super T> actual;
    /** Null before the request; {@link #DONE}, {@link #CANCELLED}, or the suspension. */
    private volatile @Nullable Object state;

    /**
     * Creates the subscription of one subscriber.
     *
     * @param actual the subscriber
     */
    protected AttemptSubscription(CoreSubscriber<? super T> actual) {
        this.actual = actual;
    }

    /** Looks at the source and signals the outcome, if there is one; false if the subscriber must wait. */
    protected abstract boolean succeeds();

    /**
     * Returns the waiter that this becomes. It is requested next.
     *
     * @param loop the loop on which the request came, where the subscriber resumes; null if there is none
     */
    protected abstract Suspension<T> suspend(@Nullable EventLoop loop);

    /** Returns the subscriber. */
    protected final CoreSubscriber<? super T> actual() {
        return actual;
    }

    /** Takes the outcome for the subscriber; false if it was cancelled, and nothing may be signalled. */
    public final boolean claim() {
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
