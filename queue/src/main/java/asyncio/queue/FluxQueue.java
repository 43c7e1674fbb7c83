package asyncio.queue;

import asyncio.EventLoop;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** The Flux of {@link Queue#asFlux} and {@link BroadcastSubscription#asFlux}. */
final class FluxQueue<T> extends Flux<T> implements Scannable {
    private final Outlet<T> outlet;

    FluxQueue(Outlet<T> outlet) {
        this.outlet = outlet;
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        QueueSubscription<T> outflow = new QueueSubscription<>(outlet, actual, EventLoop.runningOrNull());
        actual.onSubscribe(outflow);
        outflow.watch();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }

    @Override
    public String toString() {
        return "asFlux() of " + outlet.describe();
    }
}
