package asyncio.streams;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Suspension;
import reactor.core.CoreSubscriber;

/** The Mono of {@link DatagramConnection#receive}. */
final class MonoReceive extends ColdMono<Datagram> {
    private final DatagramSocketCore core;

    MonoReceive(DatagramSocketCore core) {
        super(MonoReceive.class);
        this.core = core;
    }

    @Override
    protected void start(CoreSubscriber<? super Datagram> actual) {
        actual.onSubscribe(suspend(actual));
    }

    @Override
    protected Suspension<Datagram> suspend(CoreSubscriber<? super Datagram> actual) {
        return new ReceiveSuspension(core, actual, EventLoop.runningOrNull());
    }

    @Override
    public String toString() {
        return "receive() of " + core;
    }
}
