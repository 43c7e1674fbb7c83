package asyncio;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SynchronousSink;

/** Returned by {@link Asyncio#asCompletedTasks}: Futures in the order in which they complete. */
final class FluxAsCompleted<T> extends ColdFlux<Future<T>> {
    final List<Mono<? extends T>> sources;
    final @Nullable Duration timeout;

    private FluxAsCompleted(List<Mono<? extends T>> sources, @Nullable Duration timeout) {
        super(FluxAsCompleted.class);
        this.sources = sources;
        this.timeout = timeout;
    }

    static <T> FluxAsCompleted<T> of(Iterable<? extends Mono<? extends T>> monos, @Nullable Duration timeout) {
        return new FluxAsCompleted<>(Children.adopt(monos), timeout);
    }

    /** Returned by {@link Asyncio#asCompleted}. */
    Flux<T> values() {
        return handle(FluxAsCompleted::unwrap);
    }

    private static <T> void unwrap(Future<T> done, SynchronousSink<T> sink) {
        Throwable failure = done.failure();
        if (failure != null) {
            done.markRetrieved();
            sink.error(failure);
            return;
        }
        T value = done.resultOrNull();
        if (value != null) {
            sink.next(value);
        }
    }

    @Override
    protected void start(CoreSubscriber<? super Future<T>> actual) {
        actual.onSubscribe(new AsCompletedSubscription<>(this, EventLoop.runningOrShared(), actual));
    }

    @Override
    public String toString() {
        return "asCompleted(" + sources.size() + ")";
    }
}
