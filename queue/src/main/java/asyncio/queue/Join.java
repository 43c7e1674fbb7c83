package asyncio.queue;

import asyncio.ColdMono;
import asyncio.EventLoop;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#join}. */
final class Join extends ColdMono<Void> {
    private final QueueCore<?> core;

    Join(QueueCore<?> core) {
        super(Join.class);
        this.core = core;
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(new Watcher(core, true, actual, EventLoop.runningOrNull()));
    }

    @Override
    public String toString() {
        return "join() of " + core.describe();
    }
}
