package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** A task with any Mono as its coroutine: it suspends once, on that Mono, and needs no thread. */
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
                throw e; // Reactor throws fatal errors, which end the loop's run too
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
                throw fatal; // as Reactor does; it ends the loop's run too
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

    /**
     * Ends the task. A cancellation that comes before {@code closeToRequests} gives the value back; a later one is
     * refused.
     */
    @SuppressWarnings("unchecked")
    private void finish(Wait wait, boolean resumed) {
        if (joinCleanup(wait)) {
            return;
        }
        if (resumed && wait instanceof WaitSubscriber<?> subscriber && subscriber.mayBeSpurious()) {
            finishOrWaitAgain(subscriber);
            return;
        }
        CancelledException request = closeToRequests();
        if (!resumed && wait instanceof WaitSubscriber<?> subscriber && subscriber.failed()) {
            request = null; // an exception of the first step takes precedence, as in a body
        }
        try {
            finishWith((T) wait.outcome(request));
        } catch (Throwable e) {
            finishWith(e);
        }
    }

    /**
     * Like {@link #finish}, but open to requests, which may come while nothing was there to take; later they are
     * refused.
     */
    @SuppressWarnings("unchecked")
    private void finishOrWaitAgain(WaitSubscriber<?> wait) {
        T value;
        try {
            value = (T) wait.outcome(wakeUp());
        } catch (Throwable e) {
            if (e instanceof AwaitedSubscription.Spurious) {
                start();
            } else {
                finishWith(e);
            }
            return;
        }
        closeToRequests(); // one that came since then comes too late: the value is taken
        finishWith(value);
    }

    /** A value given back goes to a discard hook, which is the user's code. */
    @Override
    boolean resumesInternally() {
        return !cancelRequested();
    }
}
