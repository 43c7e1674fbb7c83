package asyncio;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A scope that has not been entered: each subscription enters it anew. Awaited in a body, it runs inside the current
 * task; elsewhere it becomes a task.
 */
abstract class MonoScope<T> extends ColdMono<T> {
    /** @param what the class or object that identifies the scope to users */
    MonoScope(Object what) {
        super(what);
    }

    /** Returns whether it runs straight-line code, which may await and so needs a thread. */
    abstract boolean isStraightLine();

    /** Returns whether it may be entered, and waited for, in a cancelled {@link CancelScope}. */
    boolean isShielded() {
        return false;
    }

    /** Returns the work of one subscription. */
    abstract Steps<T> open();

    @Override
    final @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        return open().runIn(body);
    }

    @Override
    final Task<T> newTask(EventLoop loop, @Nullable String name, Context context) {
        return isStraightLine()
                ? new BodyTask<>(loop, this, () -> open().runIn(BodyTask.current(loop)), name, context)
                : new StepTask<>(loop, this, open(), name, context);
    }

    @Override
    protected final void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(
                new OwnerSubscriber<>(actual, () -> loop.createTask(this, null, Context.of(actual.currentContext()))));
    }

    /** A scope of any kind. */
    static class Supplied<T> extends MonoScope<T> {
        private final Class<?> kind;
        private final boolean straightLine;
        private final Supplier<? extends Steps<T>> steps;

        Supplied(Class<?> kind, boolean straightLine, Supplier<? extends Steps<T>> steps) {
            super(kind);
            this.kind = kind;
            this.straightLine = straightLine;
            this.steps = steps;
        }

        @Override
        final boolean isStraightLine() {
            return straightLine;
        }

        @Override
        final Steps<T> open() {
            return steps.get();
        }

        @Override
        public final String toString() {
            return "<scope " + LeakDetector.functionName(kind) + ">";
        }
    }

    /** A {@link CancelScope}, which may be entered in one that is cancelled, and looks itself whether it may wait. */
    static final class Guarded<T> extends Supplied<T> {
        Guarded(Class<?> kind, boolean straightLine, Supplier<? extends Steps<T>> steps) {
            super(kind, straightLine, steps);
        }

        @Override
        boolean isShielded() {
            return true;
        }
    }

    /** A clean-up, which also runs in a cancelled {@link CancelScope}. */
    static final class Shielded<T> extends Supplied<T> {
        Shielded(Class<?> kind, Supplier<? extends Steps<T>> steps) {
            super(kind, false, steps);
        }

        @Override
        boolean isShielded() {
            return true;
        }
    }

    /** {@link Asyncio#waitFor}; made of few objects, since programs use it for every request. */
    static final class WaitFor<T> extends MonoScope<T> {
        private final Mono<? extends T> mono;
        private final @Nullable Duration limit;

        WaitFor(Mono<? extends T> mono, @Nullable Duration limit) {
            super(WaitFor.class);
            this.mono = mono;
            this.limit = limit;
        }

        @Override
        boolean isStraightLine() {
            return false;
        }

        @Override
        Steps<T> open() {
            return limit != null && (limit.isZero() || limit.isNegative())
                    ? new NoTimeSteps<>(mono, limit)
                    : new TimeLimitSteps<>(mono, null, limit, false);
        }

        @Override
        public String toString() {
            return "waitFor(" + Log.text(mono) + ", " + limit + ")";
        }
    }
}
