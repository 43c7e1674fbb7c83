package asyncio.streams;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Aborts a connection whose peer accepts none of the bytes buffered for it. Sits between the socket and TLS, where
 * nothing is written twice and progress is visible: a completed write, or a part of the current one.
 *
 * <p>Netty's {@code WriteTimeoutHandler} has a timer for each write and limits its total time, and
 * {@code IdleStateHandler} takes a growing write buffer for activity.
 */
final class WriteTimeout extends ChannelOutboundHandlerAdapter {
    private final StreamHandler stream;
    private final Duration timeout;
    private final long nanos;
    /** The number of writes that the socket has not accepted. */
    private int pending;
    /** The time when bytes were last known to be accepted, or of the first of the writes. */
    private long lastTaken;
    /** The number of bytes of the current write that the socket had accepted at the last check. */
    private long progress;

    private @Nullable ScheduledFuture<?> timer;

    WriteTimeout(StreamHandler stream, Duration timeout) {
        this.stream = stream;
        this.timeout = timeout;
        this.nanos = TimeUnit.MILLISECONDS.toNanos(OptionChecks.millis(timeout));
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (pending++ == 0) {
            took(context);
            if (timer == null) {
                schedule(context, nanos);
            }
        }
        context.write(message, promise.unvoid()).addListener(done -> {
            pending--;
            took(context);
        });
    }

    private void took(ChannelHandlerContext context) {
        lastTaken = now(context);
        progress = 0;
    }

    private static long now(ChannelHandlerContext context) {
        return context.executor().ticker().nanoTime();
    }

    private void schedule(ChannelHandlerContext context, long delay) {
        timer = context.executor().schedule(() -> look(context), delay, TimeUnit.NANOSECONDS);
    }

    private void look(ChannelHandlerContext context) {
        timer = null;
        if (pending == 0) {
            return; // the next write starts it again
        }
        long now = now(context);
        ChannelOutboundBuffer buffer = context.channel().unsafe().outboundBuffer();
        if (buffer != null && buffer.currentProgress() != progress) {
            progress = buffer.currentProgress();
            lastTaken = now;
        }
        long left = nanos - (now - lastTaken);
        if (left > 0) {
            schedule(context, left);
            return;
        }
        stream.abort(new SocketTimeoutException("The peer of " + stream.writer() + " has taken nothing for " + timeout
                + " (writeTimeout) of the " + (buffer == null ? 0 : buffer.totalPendingWriteBytes())
                + " bytes that are buffered for it: it is aborted"));
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
    }
}
