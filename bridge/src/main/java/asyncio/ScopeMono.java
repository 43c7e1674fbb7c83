package asyncio;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/**
 * A scope that has not been entered: each subscription enters it anew. Awaited in a body it runs inside the current
 * task; elsewhere it becomes a task.
 */
final class ScopeMono<T> extends ColdMono<T> {
    private final Supplier<? extends Steps<T>> steps;
    private final boolean straightLine;
    private final Object what;

    /**
     * @param straightLine whether it runs code that may await, and needs a thread for that
     * @param what the class or object that tells users what it is
     */
    ScopeMono(Object what, boolean straightLine, Supplier<? extends Steps<T>> steps) {
        super(what);
        this.what = what;
        this.straightLine = straightLine;
        this.steps = steps;
    }

    boolean isStraightLine() {
        return straightLine;
    }

    Steps<T> open() {
        adopt();
        return steps.get();
    }

    @Override
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        return open().runIn(body);
    }

    @Override
    Task<T> newTask(EventLoop loop, @Nullable String name, Context context) {
        return straightLine
                ? new BodyTask<>(loop, this, () -> open().runIn(BodyTask.current(loop)), name, context)
                : new StepTask<>(loop, this, open(), name, context);
    }

    @Override
    void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(new OwnerSubscription<>(
                actual, () -> loop.createTask(this, null, Context.of(actual.currentContext()))));
    }

    @Override
    public String toString() {
        return "<scope " + (what instanceof Class<?> type ? type.getSimpleName() : what) + ">";
    }
}
