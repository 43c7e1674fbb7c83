package asyncio.bridge;

import asyncio.Future;
import asyncio.FutureEnd;
import asyncio.ThreadLocals;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** Returned by {@link Callbacks#of}: the Future's own state decides which outcome counts. */
final class FutureCallback<T> implements Callback<T> {
    private final Future<T> future;
    private final Context context = ThreadLocals.capture();
    /** The resources, newest first; guarded by this. */
    private final ArrayDeque<Resource> resources = new ArrayDeque<>(0);
    /** Whether {@link #resources} has been, or is about to be, released; guarded by this. */
    private boolean over;

    private record Resource(Disposable disposable, boolean onlyIfCancelled) {}

    FutureCallback(Future<T> future) {
        this.future = future;
    }

    @Override
    public void success(@Nullable T value) {
        if (future.trySetResult(value)) {
            return;
        }
        if (future.cancelled()) {
            Operators.onDiscard(value, context);
        } else if (value != null) {
            Operators.onNextDropped(value, context);
        }
    }

    @Override
    public void failure(Throwable given) {
        Throwable error =
                given != null ? given : new NullPointerException("A callback reported a failure without an error");
        if (!future.trySetException(error) && !(future.cancelled() && error instanceof CancellationException)) {
            Operators.onErrorDropped(error, context);
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
        for (Disposable disposable : disposables) {
            Resource resource = new Resource(Objects.requireNonNull(disposable, "disposable"), onlyIfCancelled);
            boolean late;
            boolean first;
            synchronized (this) {
                late = over;
                first = !late && resources.isEmpty();
                if (!late) {
                    resources.push(resource);
                }
            }
            if (late) {
                release(resource);
            } else if (first) {
                FutureEnd.then(future, this::releaseAll);
            }
        }
        return this;
    }

    private void release(Resource resource) {
        if (resource.onlyIfCancelled && !future.cancelled()) {
            return;
        }
        try {
            resource.disposable.dispose();
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            Operators.onErrorDropped(e, context);
        }
    }

    private void releaseAll() {
        List<Resource> all;
        synchronized (this) {
            over = true;
            all = List.copyOf(resources);
            resources.clear();
        }
        all.forEach(this::release);
    }

    @Override
    public Context context() {
        return context;
    }
}
