package asyncio.queue;

import asyncio.ColdMono;
import asyncio.EventLoop;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#join}. */
final class MonoJoin extends ColdMono<Void> {
    private final QueueCore<?> core;

    MonoJoin(QueueCore<?> core) {
        super(MonoJoin.class);
        this.core = core;
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(new JoinSuspension(core, true, actual, EventLoop.runningOrNull()));
    }

    @Override
    public String toString() {
        return "join() of " + core.describe();
    }
}
