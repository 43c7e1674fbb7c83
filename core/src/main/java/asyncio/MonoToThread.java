package asyncio;

import java.util.concurrent.Callable;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.ContextView;

/** Returned by {@link Asyncio#toThread}. */
final class MonoToThread<T> extends ColdMono<T> {
    private final Callable<? extends T> function;
    private final @Nullable Executor executor;

    /** @param executor the executor that runs the function, or null for the loop's default executor */
    MonoToThread(Callable<? extends T> function, @Nullable Executor executor) {
        super(function);
        this.function = function;
        this.executor = executor;
    }

    @Override
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        Future<T> future = submit(body.loop, body.getContext());
        try {
            return body.awaitFuture(future);
        } catch (CancelledException e) {
            Operators.onDiscard(future.resultOrNull(), body.getContext()); // it came in the tick of the cancellation
            throw e;
        }
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(new OwnerSubscriber<>(actual, () -> submit(loop, actual.currentContext())));
    }

    private Future<T> submit(EventLoop loop, ContextView context) {
        return ExecutorJob.submit(loop, executor == null ? loop.defaultExecutor() : executor, function, context);
    }

    @Override
    public String toString() {
        return "toThread(" + function.getClass().getName() + ")";
    }
}
