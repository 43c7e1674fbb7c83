package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.ContextView;

/** What {@link Asyncio#toThread} returns. */
final class ToThread<T> extends ColdMono<T> {
    private final Callable<? extends T> function;

    ToThread(Callable<? extends T> function) {
        super(function);
        this.function = function;
    }

    @Override
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        return body.awaitFuture(submit(body.loop, body.getContext()));
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(new OwnerSubscription<>(actual, () -> submit(loop, actual.currentContext())));
    }

    private Future<T> submit(EventLoop loop, ContextView context) {
        return ExecutorJob.submit(loop, loop.executor.get(), function, context);
    }

    @Override
    public String toString() {
        return "toThread(" + function.getClass().getName() + ")";
    }
}
