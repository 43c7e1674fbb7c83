package asyncio.streams;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Suspension;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** The Mono of {@link DatagramConnection#send}. */
final class MonoSend extends ColdMono<Void> {
    private final DatagramSocketCore core;
    private final byte[] data;
    private final @Nullable InetSocketAddress to;

    MonoSend(DatagramSocketCore core, byte[] data, @Nullable InetSocketAddress to) {
        super(MonoSend.class);
        this.core = core;
        this.data = data;
        this.to = to;
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        actual.onSubscribe(suspend(actual));
    }

    @Override
    protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
        return new SendSuspension(core, data, to, actual, EventLoop.runningOrNull());
    }

    @Override
    public String toString() {
        return "send() of " + data.length + " bytes on " + core;
    }
}
