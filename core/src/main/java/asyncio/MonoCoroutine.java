package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/** Returned by {@link Asyncio#async}: a body that has not been started. Each subscription runs it anew as a task. */
class MonoCoroutine<T> extends ColdMono<T> {
    private final Callable<? extends T> body;

    MonoCoroutine(Callable<? extends T> body, Object what) {
        super(what);
        this.body = body;
    }

    @Override
    Task<T> newTask(EventLoop loop, @Nullable String name, Context context) {
        return new BodyTask<>(loop, this, body, name, context);
    }

    /** Runs the body directly when awaited in a body: no new task, no tick, no other thread. */
    @Override
    @Nullable T awaitedBy(BodyTask<?> task) throws Exception {
        adopt();
        return BodyTask.call(body);
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(
                new OwnerSubscriber<>(actual, () -> loop.createTask(this, null, Context.of(actual.currentContext()))));
    }

    @Override
    public String toString() {
        return "<coroutine " + body.getClass().getName() + ">";
    }
}
