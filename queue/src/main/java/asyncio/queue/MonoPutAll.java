package asyncio.queue;

import asyncio.ColdMono;
import asyncio.Log;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#putAll}. */
final class MonoPutAll<T> extends ColdMono<Void> {
    private final QueueCore<T> core;
    private final Publisher<? extends T> source;

    MonoPutAll(QueueCore<T> core, Publisher<? extends T> source) {
        super(MonoPutAll.class);
        this.core = core;
        this.source = source;
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(new PutAllSubscriber<>(core, source, actual));
    }

    @Override
    public String toString() {
        return "putAll(" + Log.text(source) + ") into " + core.describe();
    }
}
