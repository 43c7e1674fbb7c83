package asyncio.bridge;

import asyncio.Suspension;
import java.nio.channels.CompletionHandler;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * One subscriber of {@link Callbacks#mono}, which is the callback itself, in all its shapes. Between the outcome and
 * the cancellation the {@link Suspension} decides, among several outcomes {@link #called}.
 */
final class Call<T> extends Suspension<T>
        implements Callback<T>, BiConsumer<@Nullable T, @Nullable Throwable>, CompletionHandler<T, Object> {
    @SuppressWarnings("rawtypes")
    private static final AtomicIntegerFieldUpdater<Call> CALLED =
            AtomicIntegerFieldUpdater.newUpdater(Call.class, "called");

    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<Call, Cleanup> CLEANUP =
            AtomicReferenceFieldUpdater.newUpdater(Call.class, Cleanup.class, "cleanup");

    private final Registration<T> registration;
    private volatile int called;

    @SuppressWarnings("UnusedVariable") // by CLEANUP it is used
    private volatile @Nullable Cleanup cleanup;

    /** The thread that is in {@link #begin}, until it settles. Others may see an old value, but never themselves. */
    private @Nullable Thread registering;

    Call(Registration<T> registration, CoreSubscriber<? super T> actual) {
        super(actual, null);
        this.registration = registration;
    }

    @Override
    protected boolean begin() {
        registering = Thread.currentThread();
        try {
            if (ThreadLocals.in(context())) {
                ThreadLocals.run(context(), () -> registration.register(this));
            } else {
                registration.register(this);
            }
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            failure(e);
        }
        boolean settled = registering == null;
        registering = null;
        return settled;
    }

    // ---- the outcome

    @Override
    public void success(@Nullable T value) {
        if (called != 0 || !CALLED.compareAndSet(this, 0, 1)) {
            if (value != null) {
                Operators.onNextDropped(value, context());
            }
        } else if (grant(value)) {
            settled();
        } else {
            Operators.onDiscard(value, context());
        }
    }

    @Override
    public void failure(Throwable given) {
        Throwable error = Outcomes.errorOf(given);
        boolean first = called == 0 && CALLED.compareAndSet(this, 0, 1);
        if (first && fail(error)) {
            settled();
        } else {
            Outcomes.dropError(error, first, context());
        }
    }

    private void settled() {
        Cleanup.end(CLEANUP, this, false, context());
        if (registering == Thread.currentThread()) {
            registering = null; // request() goes on with it
        } else {
            deliver();
        }
    }

    @Override
    public void accept(@Nullable T value, @Nullable Throwable error) {
        if (error == null) {
            success(value);
        } else {
            failure(Outcomes.unwrap(error));
        }
    }

    @Override
    public void completed(@Nullable T value, @Nullable Object attachment) {
        success(value);
    }

    @Override
    public void failed(Throwable error, @Nullable Object attachment) {
        failure(error);
    }

    @Override
    public BiConsumer<@Nullable T, @Nullable Throwable> asBiConsumer() {
        return this;
    }

    @Override
    @SuppressWarnings("unchecked") // it never looks at the attachment
    public <A> CompletionHandler<T, A> asCompletionHandler() {
        return (CompletionHandler<T, A>) this;
    }

    // ---- the end

    @Override
    protected void leave() {
        Cleanup.end(CLEANUP, this, true, context());
    }

    @Override
    public Callback<T> onCancel(Disposable... handles) {
        Cleanup.add(CLEANUP, this, handles, true, context());
        return this;
    }

    @Override
    public Callback<T> onDispose(Disposable... resources) {
        Cleanup.add(CLEANUP, this, resources, false, context());
        return this;
    }

    @Override
    public void giveBack(@Nullable T value) {
        Operators.onDiscard(value, context());
    }

    @Override
    public Context context() {
        return actual().currentContext();
    }

    @Override
    protected String target() {
        return "a callback from " + registration.getClass().getName();
    }
}
