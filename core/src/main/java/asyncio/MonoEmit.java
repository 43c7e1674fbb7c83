package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * Returned by {@link Emitter#emit}: waits for demand if there is none because an earlier emit was cancelled; delivers;
 * then waits for demand for the next item.
 */
final class MonoEmit<T> extends ColdMono<Void> {
    private final GenerateSubscription<T> generation;
    private final T item;

    MonoEmit(GenerateSubscription<T> generation, T item) {
        super(MonoEmit.class);
        this.generation = generation;
        this.item = item;
    }

    @Override
    protected @Nullable Void awaitInBody() throws Exception {
        BodyTask<?> body = BodyTask.current(EventLoop.getRunningLoop());
        generation.beginEmit(item);
        try {
            awaitDemand(body);
            generation.deliver(item, body);
            awaitDemand(body);
        } finally {
            generation.endEmit(item);
        }
        return null;
    }

    private void awaitDemand(BodyTask<?> body) throws Exception {
        if (!generation.hasDemand()) {
            body.awaitSuspension(this, generation.demand(body.subscriber()));
        }
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        Mono.defer(() -> {
                    generation.beginEmit(item);
                    Mono<Void> demand = new Mono<>() {
                        @Override
                        public void subscribe(CoreSubscriber<? super Void> subscriber) {
                            subscriber.onSubscribe(generation.demand(subscriber));
                        }
                    };
                    return demand.then(Mono.<Void>fromRunnable(() -> generation.deliver(item, null)))
                            .then(demand)
                            .doOnTerminate(() -> generation.endEmit(item))
                            .doOnCancel(() -> generation.endEmit(item));
                })
                .subscribe(actual);
    }

    @Override
    public String toString() {
        return "emit to " + generation;
    }
}
