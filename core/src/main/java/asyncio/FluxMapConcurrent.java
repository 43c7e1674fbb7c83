package asyncio;

import java.util.Objects;
import java.util.function.Function;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Returned by {@link Asyncio#mapConcurrent} and {@link Asyncio#mapConcurrentUnordered}. */
final class FluxMapConcurrent<S, R> extends ColdFlux<R> {
    private final Publisher<? extends S> source;
    final int concurrency;
    final Function<? super S, ? extends Mono<? extends R>> function;
    final boolean ordered;

    private FluxMapConcurrent(
            Publisher<? extends S> source,
            int concurrency,
            Function<? super S, ? extends Mono<? extends R>> function,
            boolean ordered) {
        super(FluxMapConcurrent.class);
        this.source = source;
        this.concurrency = concurrency;
        this.function = function;
        this.ordered = ordered;
    }

    static <S, R> FluxMapConcurrent<S, R> of(
            Publisher<? extends S> source,
            int concurrency,
            Function<? super S, ? extends Mono<? extends R>> function,
            boolean ordered) {
        ColdFlux.adopt(Objects.requireNonNull(source, "source"));
        Objects.requireNonNull(function, "function");
        if (concurrency <= 0) {
            throw new IllegalArgumentException(
                    "mapConcurrent with a concurrency of " + concurrency + " would never begin: it must be positive");
        }
        return new FluxMapConcurrent<>(source, concurrency, function, ordered);
    }

    @Override
    protected void start(CoreSubscriber<? super R> actual) {
        Flux.<S>from(source).subscribe(new MapConcurrentMain<>(this, EventLoop.runningOrShared(), actual));
    }

    @Override
    public String toString() {
        return "mapConcurrent(" + Log.text(source) + ", " + concurrency + ")";
    }
}
