package asyncio;

import asyncio.internal.loop.LoopCore;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * The work of {@link Asyncio#shield}: ends as the inner Future does, and can be cancelled without cancelling it. It
 * then no longer listens to the inner Future; an error of that one is reported as never retrieved unless other code
 * retrieves it.
 */
final class Shield<T> extends Future.Owned<T> {
    private final EventLoop loop;
    private final Future<T> inner;
    private final Listener listener = new Listener();

    private Shield(EventLoop loop, Future<T> inner) {
        super(loop);
        this.loop = loop;
        this.inner = inner;
    }

    static <T> Future<T> start(Mono<? extends T> source, EventLoop loop, Context context) {
        Future<T> inner = Children.start(source, loop, new TaskOptions(null, context, null));
        if (inner.done()) {
            return inner;
        }
        Shield<T> shield = new Shield<>(loop, inner);
        if (!inner.addWaiter(shield.listener)) {
            shield.innerEnded();
        }
        return shield;
    }

    @Override
    public boolean cancel(@Nullable String message) {
        boolean cancelled = super.cancel(message);
        if (cancelled) {
            inner.removeWaiter(listener);
        }
        return cancelled;
    }

    private void innerEnded() {
        Throwable failure = inner.failure();
        if (failure == null) {
            finishResult(inner.resultOrNull());
        } else if (inner.cancelled()) {
            finishCancelled((CancelledException) failure);
        } else if (finishExceptionally(failure)) {
            inner.markRetrieved(); // only if it was passed on: this may just have been cancelled
        }
    }

    @Override
    Collection<? extends Future<?>> parts() {
        return List.of(inner);
    }

    @Override
    String describePending() {
        // only the name of a task: they may await each other in a circle
        return " pending, shields " + (inner instanceof Task<?> task ? task.getName() : inner);
    }

    private final class Listener extends Waiter {
        @Override
        public void run() {
            innerEnded();
        }

        @Override
        Object tells() {
            return Shield.this;
        }

        @Override
        LoopCore resumesOn() {
            return loop.core;
        }

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        public String toString() {
            return Shield.this.toString();
        }
    }
}
