package asyncio.streams;

import asyncio.Log;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Before Netty's acceptor in the pipeline of a listening socket: says, once a minute at most, that connections cannot
 * be accepted, as where no descriptors are left, and has the server try again after a second, which is asyncio's delay.
 *
 * <p>It is complete when it is made: a class that is loaded from a file needs a descriptor, too.
 */
final class AcceptFailures extends ChannelInboundHandlerAdapter implements Runnable {
    private static final long RETRY_SECONDS = 1;
    private static final long LOG_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Server server;
    /** In the loop's time; null if never. */
    private @Nullable Long logged;

    AcceptFailures(Server server) {
        this.server = server;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        server.pauseAccepting(true);
        context.executor().schedule(this, RETRY_SECONDS, TimeUnit.SECONDS);
        long now = context.executor().ticker().nanoTime();
        if (logged == null || now - logged >= LOG_NANOS) {
            logged = now;
            Log.warn(
                    "Cannot accept connections on " + context.channel().localAddress() + ": " + Log.text(cause)
                            + ". New connections wait in the backlog, and accepting is retried every " + RETRY_SECONDS
                            + " s. If there are too many open files, raise their number (ulimit -n), let fewer"
                            + " connections in (ServeOptions.maxConnections) or look for some that are not closed. This"
                            + " is logged once a minute at most",
                    null);
        }
    }

    /** A second later. */
    @Override
    public void run() {
        server.pauseAccepting(false);
    }
}
