package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** A task whose coroutine is any Mono: it suspends once, on that, and needs no thread. */
final class MonoTask<T> extends Task<T> {
    MonoTask(EventLoop loop, Mono<? extends T> source, @Nullable String name, Context context) {
        super(loop, source, name, context);
    }

    @Override
    void start() {
        CancelledException request = takeRequest();
        if (request != null) {
            finishWith(request);
            return;
        }
        if (KnownMonos.is(source())) {
            finishKnown();
            return;
        }
        Wait wait;
        boolean suspend;
        if (source() instanceof Future<?> future) {
            wait = new Wait.OnFuture(this, future);
            suspend = future.addWaiter(wait);
        } else {
            WaitSubscriber<T> subscriber = new WaitSubscriber<>(this, source());
            wait = subscriber;
            try {
                suspend = subscriber.subscribe();
            } catch (RuntimeException e) {
                finishWith(e);
                return;
            } catch (Error e) {
                finishWith(e);
                throw e; // Reactor throws what is fatal: it ends the loop's run too
            }
        }
        if (suspend) {
            suspendOn(wait);
        } else {
            finish(wait, false);
        }
    }

    @SuppressWarnings("unchecked")
    private void finishKnown() {
        T value;
        try {
            value = (T) KnownMonos.call(source(), getContext());
        } catch (Throwable e) {
            finishWith(e);
            if (e instanceof Error fatal && Exceptions.isJvmFatal(fatal)) {
                throw fatal; // as Reactor does: it ends the loop's run too
            }
            return;
        }
        finishWith(value);
    }

    @Override
    void resume(Wait wait) {
        wait.resumed();
        Wait ended = wait instanceof Wait.Joining joining ? joining.ended() : wait;
        if (wait.isInternal()) {
            finish(ended, true);
            return;
        }
        loop.enterTask(this);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(getContext())) {
            finish(ended, true);
        } finally {
            loop.enterTask(null);
        }
    }

    /** A cancellation that comes before this line gives the value back; after it, it is told that it is too late. */
    @SuppressWarnings("unchecked")
    private void finish(Wait wait, boolean resumed) {
        if (joinCleanup(wait)) {
            return;
        }
        CancelledException request = closeToRequests();
        if (!resumed && wait instanceof WaitSubscriber<?> subscriber && subscriber.failed()) {
            request = null; // what the first step throws wins, as in a body
        }
        try {
            finishWith((T) wait.outcome(request));
        } catch (Throwable e) {
            finishWith(e);
        }
    }

    /** A value that comes back goes to a discard hook, which is the user's. */
    @Override
    boolean resumesInternally() {
        return !cancelRequested();
    }
}
