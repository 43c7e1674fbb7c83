package asyncio.bridge;

import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;

/** One subscriber of {@link Callbacks#mono}, which is the callback itself. */
final class Call<T> extends Reply<T> implements AllShapes<T> {
    @SuppressWarnings("rawtypes")
    private static final AtomicReferenceFieldUpdater<Call, Cleanup> CLEANUP =
            AtomicReferenceFieldUpdater.newUpdater(Call.class, Cleanup.class, "cleanup");

    private final Registration<T> registration;

    @SuppressWarnings("UnusedVariable") // by CLEANUP it is used
    private volatile @Nullable Cleanup cleanup;

    Call(Registration<T> registration, CoreSubscriber<? super T> actual) {
        super(actual);
        this.registration = registration;
    }

    @Override
    void start() throws Exception {
        if (ThreadLocals.in(context())) {
            ThreadLocals.run(context(), () -> registration.register(this));
        } else {
            registration.register(this);
        }
    }

    @Override
    public void success(@Nullable T value) {
        succeed(value);
    }

    @Override
    public void failure(Throwable error) {
        fail(error);
    }

    @Override
    void settled() {
        Cleanup.end(CLEANUP, this, false, context());
    }

    @Override
    void left() {
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
    String target() {
        return "a callback from " + registration.getClass().getName();
    }
}
