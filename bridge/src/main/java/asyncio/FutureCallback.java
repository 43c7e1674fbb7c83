package asyncio;

import asyncio.bridge.Callback;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** What {@link Future#asCallback} returns: the Future's own state decides which outcome counts. */
final class FutureCallback<T> implements Callback<T> {
    private final Future<T> future;
    private final Context context = Context.of(Asyncio.currentContext());

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
    public void failure(Throwable error) {
        if (!future.trySetException(error) && !(future.cancelled() && error instanceof CancellationException)) {
            Operators.onErrorDropped(error, context);
        }
    }

    @Override
    public Callback<T> onCancel(Disposable... handles) {
        return whenDone(handles, true);
    }

    @Override
    public Callback<T> onDispose(Disposable... resources) {
        return whenDone(resources, false);
    }

    private Callback<T> whenDone(Disposable[] disposables, boolean onlyIfCancelled) {
        for (Disposable disposable : disposables) {
            Waiter end = new Waiter() {
                @Override
                public void run() {
                    if (future.cancelled() || !onlyIfCancelled) {
                        disposable.dispose();
                    }
                }

                @Override
                @Nullable EventLoop resumesOn() {
                    return null; // before those who wait go on, on the thread that completes or cancels
                }
            };
            if (!future.addWaiter(end)) {
                end.resume();
            }
        }
        return this;
    }

    @Override
    public Context context() {
        return context;
    }
}
