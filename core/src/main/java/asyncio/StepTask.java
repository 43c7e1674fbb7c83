package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A task with a scope as its coroutine: it suspends several times, and needs no thread. It also runs the scopes
 * directly inside that scope.
 */
final class StepTask<T> extends Task<T> {
    /** The innermost open scope; null when all are closed. */
    private @Nullable Steps<?> steps;

    StepTask(EventLoop loop, Mono<? extends T> source, Steps<T> steps, @Nullable String name, Context context) {
        super(loop, source, name, context);
        this.steps = steps;
    }

    /** Its steps know: a field of its own would cost each of these tasks. */
    @Override
    @Nullable AwaitGuard guard() {
        for (Steps<?> open = steps; open != null; open = open.outer) {
            AwaitGuard guard = open.guard();
            if (guard != null && guard.isOpen()) {
                return guard;
            }
        }
        return null;
    }

    @Override
    void start() {
        CancelledException request = takeRequest();
        Steps<?> outermost = steps;
        if (request != null || outermost == null) {
            finishWith(request == null ? CancelledException.of(loop, null) : request);
        } else {
            go(outermost.begin(this), null, null);
        }
    }

    @Override
    void resume(Wait wait) {
        wait.resumed();
        loop.enterTask(this);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(getContext())) {
            Wait ended = wait instanceof Wait.Joining joining ? joining.ended() : wait;
            if (!joinCleanup(ended)) {
                goOn(ended, wakeUp());
            }
        } finally {
            loop.enterTask(null);
        }
    }

    private void goOn(Wait ended, @Nullable CancelledException request) {
        Object value = null;
        Throwable error = null;
        try {
            value = ended.outcome(request);
        } catch (Throwable e) {
            if (e instanceof AwaitedSubscription.Spurious && ended.awaited() instanceof Mono<?> mono) {
                go(mono, null, null);
                return;
            }
            error = e;
        }
        go(null, value, error);
    }

    /**
     * Runs until the next wait is under way, or the task has ended.
     *
     * @param mono the Mono to wait for; null if a wait has ended, with the value or the error
     */
    private void go(@Nullable Mono<?> mono, @Nullable Object value, @Nullable Throwable error) {
        for (; ; ) {
            if (mono == null) {
                Steps<?> innermost = steps;
                if (innermost == null) {
                    finish(value, error);
                    return;
                }
                try {
                    mono = innermost.next(value, error);
                    value = mono == null ? innermost.result() : null;
                    error = null;
                } catch (Throwable e) {
                    value = null;
                    error = e;
                }
                if (mono == null) {
                    steps = innermost.outer;
                    continue;
                }
            }
            if (mono instanceof MonoScope<?> scope && !scope.isStraightLine()) {
                scope.adopt();
                Steps<?> inner = scope.open();
                inner.outer = steps;
                steps = inner;
                mono = inner.begin(this);
                continue;
            }
            try {
                if (KnownMonos.is(mono)) {
                    value = KnownMonos.call(mono, getContext());
                } else {
                    Wait wait = suspendOn(mono);
                    if (wait == null) {
                        return;
                    }
                    value = wait.outcome(null);
                }
                error = null;
            } catch (Throwable e) {
                value = null;
                error = e;
            }
            mono = null;
        }
    }

    /** Waits for the Mono; returns null if the task is suspended, otherwise the wait, which has ended. */
    private @Nullable Wait suspendOn(Mono<?> mono) {
        Wait wait;
        boolean pending;
        if (mono instanceof Future<?> future) {
            checkNotItself(future);
            wait = new Wait.OnFuture(this, future);
            pending = future.addWaiter(wait);
        } else {
            WaitSubscriber<?> subscriber = new WaitSubscriber<>(this, mono);
            wait = subscriber;
            pending = subscriber.subscribe();
        }
        if (pending) {
            suspendOn(wait);
            return null;
        }
        return joinCleanup(wait) ? null : wait;
    }

    @SuppressWarnings("unchecked")
    private void finish(@Nullable Object value, @Nullable Throwable error) {
        if (error == null) {
            finishWith((T) value);
            return;
        }
        finishWith(error);
        if (error instanceof Error fatal && Exceptions.isJvmFatal(fatal)) {
            throw fatal;
        }
    }

    /** Its steps call the user's functions, and subscribe to the publishers these return. */
    @Override
    boolean resumesInternally() {
        return false;
    }
}
