package asyncio.queue;

import asyncio.ColdMono;
import asyncio.Log;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#putAll}. */
final class PutAll<T> extends ColdMono<Void> {
    private final QueueCore<T> core;
    private final Publisher<? extends T> source;

    PutAll(QueueCore<T> core, Publisher<? extends T> source) {
        super(PutAll.class);
        this.core = core;
        this.source = source;
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(new Inflow<>(core, source, actual));
    }

    @Override
    public String toString() {
        return "putAll(" + Log.text(source) + ") into " + core.describe();
    }
}
