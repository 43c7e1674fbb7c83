package asyncio;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The work of one {@link CancelScope}: a time limit that can also expire early. */
final class CancelScopeSteps<T> extends TimeLimitSteps.MovingOn<T> implements AwaitGuard {
    private final Function<? super CancelScope, ? extends Mono<? extends T>> body;
    /** The guard of the enclosing scope in the same body. */
    private @Nullable AwaitGuard around;

    private volatile @Nullable String reason;

    CancelScopeSteps(Function<? super CancelScope, ? extends Mono<? extends T>> body) {
        super(null, null);
        this.body = body;
    }

    @Override
    Mono<?> begin(Task<?> task) {
        if (task instanceof BodyTask<?> running) {
            around = running.guard;
            running.guard = this;
        }
        return super.begin(task);
    }

    @Override
    Mono<? extends T> work() {
        return body.apply(new CancelScope(this));
    }

    @Override
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        if (task() instanceof BodyTask<?> running) {
            running.guard = around;
        }
        return super.next(value, error);
    }

    /** From any thread; the first reason counts. */
    void cancel(@Nullable String reason) {
        EventLoop loop = task().loop;
        if (loop.core.inEventLoop()) {
            cancelHere(reason);
        } else {
            try {
                loop.callSoonThreadsafe(() -> cancelHere(reason));
            } catch (IllegalStateException closed) {
                // the scope has ended with its loop
            }
        }
    }

    private void cancelHere(@Nullable String reason) {
        if (isActive()) {
            this.reason = reason;
            end(reason);
        }
    }

    @Nullable String reason() {
        return reason;
    }

    /**
     * Throws if this scope or an enclosing one is cancelled: at each await, not only at the first as the task's own
     * cancellation does.
     */
    @Override
    public void check(Mono<?> awaited) {
        if (expired()) {
            if (awaited instanceof MonoScope<?> inner && inner.isShielded()) {
                return;
            }
            ColdMono.adopt(awaited);
            CancelledException request = task().takeRequest();
            throw request == null ? CancelledException.of(task().loop, reason) : request;
        }
        if (around != null) {
            around.check(awaited);
        }
    }
}
