package asyncio.bridge;

import asyncio.ThreadLocals;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;

/** One subscriber of {@link Callbacks#mono}, which is the callback itself. */
final class CallbackSubscription<T> extends ReplySubscription<T> implements AnyCallback<T> {
    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<CallbackSubscription, HandleList> CLEANUP =
            AtomicReferenceFieldUpdater.newUpdater(CallbackSubscription.class, HandleList.class, "cleanup");

    private final Registration<T> registration;

    private volatile @Nullable HandleList cleanup;

    CallbackSubscription(Registration<T> registration, CoreSubscriber<? super T> actual) {
        super(actual);
        this.registration = registration;
    }

    @Override
    void start() throws Exception {
        try (ThreadLocals.Scope locals = ThreadLocals.add(context())) {
            registration.register(this);
        }
    }

    @Override
    public void success(@Nullable T value) {
        succeed(value);
    }

    @Override
    public void failure(Throwable error) {
        fail(Outcomes.errorOf(error));
    }

    @Override
    void settled() {
        endCleanup(false);
    }

    @Override
    void left() {
        endCleanup(true);
    }

    private void endCleanup(boolean cancelled) {
        if (cleanup != null) {
            HandleList.end(CLEANUP, this, cancelled, context());
        }
    }

    @Override
    public Callback<T> onCancel(Disposable... handles) {
        return add(handles, true);
    }

    @Override
    public Callback<T> onDispose(Disposable... resources) {
        return add(resources, false);
    }

    private Callback<T> add(Disposable[] disposables, boolean onlyIfCancelled) {
        HandleList.add(CLEANUP, this, disposables, onlyIfCancelled, context());
        if (isOver()) { // possibly since before there were handles to end
            endCleanup(isCancelled());
        }
        return this;
    }

    @Override
    String target() {
        return "a callback from " + registration.getClass().getName();
    }
}
