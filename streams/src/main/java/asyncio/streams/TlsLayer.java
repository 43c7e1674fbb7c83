package asyncio.streams;

import asyncio.Flight;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerAdapter;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SniHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import io.netty.util.concurrent.ScheduledFuture;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/**
 * The start and the end of TLS below a reader and a writer, or a protocol; the bytes go through Netty's
 * {@link SslHandler}. Everything here runs on the channel's event loop.
 */
final class TlsLayer {
    /** A ClientHello is a few hundred bytes, with post-quantum keys a few thousand. */
    private static final int MAX_CLIENT_HELLO = 64 * 1024;

    private final StreamHandler stream;
    private final Channel channel;
    private final TlsOptions options;
    private final Promise<Void> established;
    private volatile @Nullable Object context;
    /** Null until the client has sent its name, if that selects the context. */
    private volatile @Nullable SslHandler ssl;

    private @Nullable ScheduledFuture<?> shutdownTimer;
    /** Everything has been sent, and this side has sent close_notify. */
    private boolean goodbyeSaid;

    TlsLayer(StreamHandler stream, Channel channel, TlsOptions options) {
        this.stream = stream;
        this.channel = channel;
        this.options = options;
        this.context = options.context();
        this.established = channel.eventLoop().newPromise();
    }

    /** Creates the layer for a connection on which other code has set up TLS. */
    static TlsLayer of(StreamHandler stream, Channel channel, SslHandler existing) {
        TlsLayer layer = new TlsLayer(stream, channel, TlsOptions.FOREIGN);
        layer.watch(existing);
        return layer;
    }

    // ---- start

    /**
     * Accepts no early bytes, or the ClientHello of a client that did not wait.
     *
     * @param early the bytes that came before TLS starts
     * @throws IllegalStateException if there are other bytes
     */
    static void checkEarly(byte[] early, boolean server) {
        boolean clientHello = // a handshake, of SSL 3 or TLS
                server && early.length > 0 && early[0] == 22 && (early.length == 1 || early[1] == 3);
        if (early.length > 0 && !clientHello) {
            throw new IllegalStateException(
                    "Cannot start TLS: " + early.length
                            + " bytes that came in cleartext are unread, and"
                            + " would be mistaken for encrypted data. An attacker may have injected them: close the connection");
        }
    }

    ChannelHandler newHandler(boolean server, @Nullable String host, int port) {
        Function<? super String, ? extends @Nullable SslContext> byName = options.contextByName;
        return server && byName != null
                ? new ByName(byName)
                : prepared(Tls.engine(options, options.nettyContext, channel.alloc(), server, host, port));
    }

    /**
     * Inserts TLS before the reader and writer; {@link #established} completes at the end of the handshake.
     *
     * @param early the bytes the peer has already sent, in TLS
     */
    void install(ChannelHandler handler, ChannelHandlerContext before, byte[] early) {
        stream.writer().setTlsLimits();
        channel.pipeline().addBefore(before.name(), null, handler);
        if (early.length > 0) {
            ChannelHandler entry = new ChannelHandlerAdapter() {};
            channel.pipeline().addBefore(channel.pipeline().context(handler).name(), null, entry);
            ChannelHandlerContext head = channel.pipeline().context(entry);
            head.fireChannelRead(Unpooled.wrappedBuffer(early));
            head.fireChannelReadComplete();
            channel.pipeline().remove(entry);
        }
    }

    private SslHandler prepared(SSLEngine engine) {
        SslHandler handler = new SslHandler(engine);
        handler.setHandshakeTimeoutMillis(OptionChecks.millis(options.handshakeTimeout));
        // our own timer, which starts earlier, aborts; with Netty's set, it waits for the peer's close_notify
        handler.setCloseNotifyFlushTimeoutMillis(0);
        handler.setCloseNotifyReadTimeoutMillis(OptionChecks.millis(options.shutdownTimeout));
        watch(handler);
        return handler;
    }

    private void watch(SslHandler handler) {
        ssl = handler;
        Object event = Flight.PRESENT ? StreamEvents.handshakeBegins(channel.remoteAddress()) : null;
        handler.handshakeFuture().addListener(done -> {
            if (event != null) {
                StreamEvents.handshakeEnds(event, handler.engine().getSession(), done.cause());
            }
            if (done.isSuccess()) {
                established.trySuccess(null);
            } else {
                handshakeFailed(done.cause());
            }
        });
    }

    /** Succeeds with the handshake, or fails with the error to report to the caller. */
    Future<Void> established() {
        return established;
    }

    private void handshakeFailed(Throwable cause) {
        Throwable failure = stream.writer().failure();
        Throwable error = failure != null ? failure : PeerErrors.translated(cause, stream.writer());
        if (error instanceof SslHandshakeTimeoutException) {
            error = new ConnectionAbortedException("SSL handshake is taking longer than "
                    + options.handshakeTimeout.toMillis() / 1000.0 + " seconds: aborting the connection " + channel);
        } else if (error instanceof ClosedChannelException) {
            error = new ConnectionResetException("The connection was closed during the TLS handshake: " + stream);
        }
        established.tryFailure(error);
    }

    private boolean isEstablished() {
        return established.isSuccess();
    }

    // ---- end

    /** The peer has sent close_notify, or the connection has ended without it. */
    void ended() {
        SslHandler ssl = this.ssl;
        if (ssl != null && ssl.sslCloseFuture().isSuccess()) {
            stream.inbound().feedEof();
        } else if (isEstablished() && !stream.writer().closeRequested()) {
            truncate();
        }
    }

    /** The peer has ended the stream of the underlying socket. */
    void inputShutdown() {
        SslHandler ssl = this.ssl;
        if (ssl == null || !isEstablished()) {
            closeTransport();
        } else if (goodbyeSaid) {
            // written below TLS, which accepts nothing more, but after its close_notify
            channel.pipeline().context(ssl).writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(sent -> closeTransport());
        } else if (stream.writer().closeRequested()) {
            ssl.setCloseNotifyReadTimeoutMillis(0); // once all is sent, do not wait for a close_notify that cannot come
        } else if (!ssl.sslCloseFuture().isSuccess()) {
            truncate();
            startShutdownTimer();
            stream.flushed().addListener(sent -> closeTransport()); // the peer may still accept earlier writes
        }
    }

    private void truncate() {
        if (stream.writer().failure() == null) {
            SSLException truncation = new SSLException("The peer ended the connection without TLS's goodbye"
                    + " (close_notify): its data may be cut short, by itself or by an attacker. "
                    + stream);
            stream.writer().fail(truncation);
            stream.inbound().truncate(truncation);
        }
    }

    /** Closes once everything is sent: sends close_notify, and waits for the peer's. */
    void close() {
        if (!isEstablished()) {
            closeTransport();
            return;
        }
        startShutdownTimer();
        channel.config().setAutoRead(true); // incoming data is dropped, except for the close_notify
        stream.sendBeforeClose().addListener(sent -> {
            goodbyeSaid = true;
            channel.close();
        });
    }

    private void startShutdownTimer() {
        if (shutdownTimer == null) {
            shutdownTimer = channel.eventLoop()
                    .schedule(
                            () -> stream.abort(
                                    new SocketTimeoutException(
                                            "SSL shutdown timed out: " + stream + " was being closed for "
                                                    + options.shutdownTimeout.toMillis() / 1000.0
                                                    + " seconds: its peer has not taken all bytes, or has not sent close_notify")),
                            OptionChecks.millis(options.shutdownTimeout),
                            TimeUnit.MILLISECONDS);
        }
    }

    /** Closes the socket without close_notify. */
    private void closeTransport() {
        channel.unsafe().close(channel.newPromise());
    }

    void connectionLost() {
        if (shutdownTimer != null) {
            shutdownTimer.cancel(false);
        }
        if (!established.isDone()) {
            handshakeFailed(new ClosedChannelException());
        }
    }

    // ---- state

    @Nullable SSLEngine engine() {
        SslHandler ssl = this.ssl;
        return ssl == null ? null : ssl.engine();
    }

    @Nullable Object context() {
        return context;
    }

    /** Selects the context by the name that the client requests. */
    private final class ByName extends SniHandler {
        private final Function<? super String, ? extends @Nullable SslContext> contextByName;

        ByName(Function<? super String, ? extends @Nullable SslContext> contextByName) {
            super(
                    (name, promise) -> promise.setFailure(new UnsupportedOperationException("see lookup")),
                    MAX_CLIENT_HELLO,
                    OptionChecks.millis(options.handshakeTimeout));
            this.contextByName = contextByName;
        }

        @Override
        protected Future<SslContext> lookup(ChannelHandlerContext handler, @Nullable String name) {
            SslContext chosen = contextByName.apply(name == null ? "" : name);
            return chosen != null
                    ? handler.executor().newSucceededFuture(chosen)
                    : handler.executor()
                            .newFailedFuture(new SSLHandshakeException("There is no TLS context for the name " + name));
        }

        @Override
        protected void replaceHandler(ChannelHandlerContext handler, @Nullable String name, SslContext chosen) {
            context = chosen;
            SSLEngine engine = Tls.engine(options, chosen, handler.alloc(), true, null, -1);
            handler.pipeline().replace(this, null, prepared(engine));
        }
    }
}
