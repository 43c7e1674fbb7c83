package asyncio;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The work of one {@link CancelScope}: a time limit that can also expire early. */
final class CancelScopeSteps<T> extends TimeLimitSteps.MovingOn<T> implements AwaitGuard {
    private final Function<? super CancelScope, ? extends Mono<? extends T>> body;
    /** The guard of the enclosing scope in the same task. */
    private @Nullable AwaitGuard around;

    private volatile @Nullable String reason;
    private volatile boolean shield;
    private boolean open;
    /** It was cancelled, and a shield inside keeps that off: the task does not know of it. */
    private boolean heldBack;
    /** The request of this scope, if it is the only one that waited for the task's next await. */
    private @Nullable Object request;

    CancelScopeSteps(Function<? super CancelScope, ? extends Mono<? extends T>> body) {
        super(null, null);
        this.body = body;
    }

    @Override
    Mono<?> begin(Task<?> task) {
        around = task.guard();
        open = true;
        task.setGuard(this);
        Mono<?> first = super.begin(task);
        if (task instanceof BodyTask<?>
                && !(first instanceof MonoCoroutine<?>)) { // whose awaits are checked one by one
            try {
                check(first);
            } catch (CancelledException e) {
                return Mono.error(e);
            }
        }
        return first;
    }

    @Override
    Mono<? extends T> work() {
        return body.apply(new CancelScope(this));
    }

    @Override
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        open = false;
        task().setGuard(around);
        try {
            return super.next(value, error);
        } finally {
            if (shield) {
                shield = false;
                releaseAll(); // after what is this one's own has been counted out
            }
        }
    }

    // ---- the shield

    void shield(boolean on) {
        EventLoop loop = task().loop;
        if (!loop.core.inEventLoop()) {
            throw Misuse.wrongThread("shield", loop.toString());
        }
        if (!open) {
            throw new IllegalStateException("Cannot shield what runs in a scope that has ended");
        }
        if (shield == on) {
            return;
        }
        shield = on;
        if (on) {
            for (AwaitGuard outer = around; outer != null; outer = outer.around()) {
                outer.hold();
            }
        } else {
            releaseAll();
        }
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    /** From the outermost on, which is what code inside sees first. */
    private void releaseAll() {
        Deque<AwaitGuard> outer = new ArrayDeque<>();
        for (AwaitGuard guard = around; guard != null; guard = guard.around()) {
            outer.push(guard);
        }
        outer.forEach(AwaitGuard::release);
    }

    @Override
    public @Nullable AwaitGuard around() {
        return around;
    }

    @Override
    public boolean isShield() {
        return shield;
    }

    @Override
    void deliver(@Nullable String message) {
        heldBack = isKeptOff();
        if (!heldBack) {
            request(message);
        }
    }

    private void request(@Nullable String message) {
        request = task().cancelHere(message);
    }

    /** Returns whether one of the scopes inside, in the same task, keeps off cancellations. */
    private boolean isKeptOff() {
        for (AwaitGuard inner = task().guard(); inner != null && inner != this; inner = inner.around()) {
            if (inner.isShield()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void hold() {
        if (isExpiring() && !heldBack) {
            heldBack = true;
            task().uncancel(); // drops the request, if it was not delivered
            if (request != null) {
                task().drop(request); // also in a task that was cancelled before
            }
        }
    }

    @Override
    public void release() {
        if (heldBack && !isKeptOff()) {
            heldBack = false;
            request(reason);
        }
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
        if (around != null && !shield) {
            around.check(awaited);
        }
    }
}
