package asyncio.streams;

import asyncio.Log;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sits before Netty's acceptor in the pipeline of a listening socket. When connections cannot be accepted, for example
 * because no descriptors are left, it logs that at most once a minute and makes the server try again after a second,
 * which is asyncio's delay.
 *
 * <p>Everything it needs is created up front: loading a class from a file needs a descriptor, too.
 */
final class AcceptFailures extends ChannelInboundHandlerAdapter implements Runnable {
    private static final long RETRY_SECONDS = 1;
    private static final long LOG_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Server server;
    /** The time of the last log message, in the loop's time; null if there was none. */
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
                            + " connections in (ServeOptions.maxConnections) or look for leaked ones. This"
                            + " is logged at most once a minute",
                    null);
        }
    }

    /** Accepts again, a second later. */
    @Override
    public void run() {
        server.pauseAccepting(false);
    }
}
