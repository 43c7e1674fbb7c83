package asyncio.streams;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for a datagram. Its outcome is settled under the monitor of the core. */
final class ReceiveSuspension extends Suspension<Datagram> {
    private final DatagramSocketCore core;

    ReceiveSuspension(DatagramSocketCore core, CoreSubscriber<? super Datagram> actual, @Nullable EventLoop loop) {
        super(actual, null, loop);
        this.core = core;
    }

    boolean isStillWaiting() {
        return isWaiting();
    }

    boolean offer(Datagram datagram) {
        return grant(datagram);
    }

    boolean refuse(IOException error) {
        return fail(error);
    }

    /** Completes empty: the socket is closed. */
    boolean end() {
        return grant(null);
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
    public void giveBack(@Nullable Datagram datagram) {
        if (datagram != null) {
            core.giveBack(datagram);
        }
    }

    @Override
    protected String target() {
        return "a datagram of " + core;
    }
}
