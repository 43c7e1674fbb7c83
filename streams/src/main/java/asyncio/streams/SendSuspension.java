package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for a datagram to be sent. Its outcome is settled under the monitor of the core. */
final class SendSuspension extends Suspension<Void> {
    private final DatagramSocketCore core;
    final byte[] data;
    /** Null on a connected socket. */
    final @Nullable InetSocketAddress to;

    SendSuspension(
            DatagramSocketCore core,
            byte[] data,
            @Nullable InetSocketAddress to,
            CoreSubscriber<? super Void> actual,
            @Nullable EventLoop loop) {
        super(actual, null, loop);
        this.core = core;
        this.data = data;
        this.to = to;
    }

    boolean isStillWaiting() {
        return isWaiting();
    }

    boolean sent() {
        return grant(null);
    }

    boolean refuse(Exception error) {
        return fail(error);
    }

    @Override
    protected boolean begin() {
        return core.begin(this);
    }

    @Override
    protected void leave() {
        core.leave(this);
    }

    @Override
    public void giveBack(@Nullable Void nothing) {} // the datagram is already sent

    @Override
    protected String target() {
        return "room to send on " + core;
    }
}
