package asyncio;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.util.context.Context;

/**
 * A cold Mono that starts a {@link Future}, a new one for each subscription; cancelling the subscription, or the task
 * that awaits it, cancels that Future.
 */
final class MonoFuture<T> extends ColdMono<T> {
    private final Class<?> what;
    private final BiFunction<? super EventLoop, ? super Context, ? extends Future<T>> starter;

    /**
     * @param what the class of the Future, which has the name of the function that returns this Mono
     * @param starter starts the work on a loop, in a context; on any thread
     */
    MonoFuture(Class<?> what, BiFunction<? super EventLoop, ? super Context, ? extends Future<T>> starter) {
        super(what);
        this.what = what;
        this.starter = starter;
    }

    @Override
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        return body.awaitFuture(starter.apply(body.loop, body.getContext()));
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrShared();
        actual.onSubscribe(
                new OwnerSubscriber<>(actual, () -> starter.apply(loop, Context.of(actual.currentContext()))));
    }

    @Override
    public String toString() {
        return LeakDetector.functionName(what) + "(...)";
    }
}
