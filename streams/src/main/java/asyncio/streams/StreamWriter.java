package asyncio.streams;

import asyncio.Future;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Writes to a connection: {@link #write} only buffers, {@link #drain} waits until there is room again.
 *
 * <p>What is written in one turn of the loop goes out together, at the end of that turn.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. Writes of one thread go out in their order.
 *
 * <p><b>Errors.</b> {@link #write} never fails because the peer is lost: {@link #drain} and {@link #waitClosed} do.
 *
 * <pre>{@code
 * writer.write("PING\r\n");
 * await(writer.drain());
 * ...
 * writer.close();
 * await(writer.waitClosed());
 * }</pre>
 *
 * <p>asyncio: {@code StreamWriter}.
 */
public final class StreamWriter {
    private static final int DEFAULT_HIGH = 64 * 1024;
    private static final int DEFAULT_LOW = 16 * 1024;

    private final Channel channel;
    private final StreamHandler handler;
    private final @Nullable SocketAddress remoteAddress;
    private final @Nullable SocketAddress localAddress;
    private final Mono<Void> drain = new Drain(this);
    /** Completes when the connection is gone; {@link #failure} tells how. */
    private final Future<Void> closed = new Future<>();
    /** For all who drain now, since there is room for all of them at once; on the loop. */
    private @Nullable Future<Void> room;

    private volatile boolean closing;
    private volatile boolean eofWritten;
    private volatile boolean lost;
    private volatile @Nullable Throwable failure;

    StreamWriter(Channel channel, StreamHandler handler) {
        this.channel = channel;
        this.handler = handler;
        this.remoteAddress = channel.remoteAddress();
        this.localAddress = channel.localAddress();
        setWriteBufferLimits(DEFAULT_HIGH, DEFAULT_LOW);
    }

    // ---- writing

    /**
     * Buffers bytes to be sent. The array is copied: it may be changed as soon as this returns. Dropped silently if the
     * connection is closing or lost.
     *
     * @throws IllegalStateException after {@link #writeEof}
     */
    public void write(byte[] bytes) {
        if (eofWritten) {
            throw new IllegalStateException(
                    "Cannot call write() after writeEof(): the peer was told that nothing more comes");
        }
        if (bytes.length == 0 || isClosing()) {
            return;
        }
        ByteBuf copy = channel.alloc().ioBuffer(bytes.length).writeBytes(bytes);
        try {
            onLoop(() -> handler.write(copy));
        } catch (RejectedExecutionException e) {
            copy.release(); // the loop is closed, and the connection with it
        }
    }

    /** As {@link #write(byte[])}, in UTF-8. */
    public void write(String text) {
        write(text.getBytes(StandardCharsets.UTF_8));
    }

    /** As {@link #write(byte[])}, one after the other. */
    public void writelines(Iterable<byte[]> lines) {
        lines.forEach(this::write);
    }

    /**
     * Waits until there is room in the write buffer: completes empty, at once unless more than the high limit is
     * buffered, else when no more than the low limit is. Nothing happens until subscription; cancelling stops waiting
     * and keeps what is buffered. Several may wait.
     *
     * <p>Fails with what broke the connection, or with {@link ConnectionResetException} if it is closed.
     */
    public Mono<Void> drain() {
        return drain;
    }

    /**
     * Closes the write side, when all that is buffered has been sent: the peer sees the end of the stream, and may go
     * on sending. A second call does nothing.
     *
     * @throws UnsupportedOperationException if {@link #canWriteEof} is false
     */
    public void writeEof() {
        if (!canWriteEof()) {
            throw new UnsupportedOperationException(
                    "Cannot close the write side of " + this + " alone, as with TLS: close() it");
        }
        if (!eofWritten) {
            eofWritten = true;
            onLoopIfOpen(handler::writeEof);
        }
    }

    /** Whether the write side can be closed alone: not over TLS. */
    public boolean canWriteEof() {
        return handler.canHalfClose();
    }

    /**
     * Encrypts the connection from here on: the same reader and writer go on, with TLS. Both sides call it; which of
     * them is the server is known from who connected. Completes empty when the handshake is done. Nothing happens until
     * subscription; cancelling aborts the connection.
     *
     * <p>What was written before goes out in cleartext. What has come in cleartext must have been read: it fails with
     * {@link IllegalStateException} if bytes are left, which whoever sits between the two could have added, or if
     * somebody is reading. A client must name the server in {@link TlsOptions.Builder#serverHostname}. Fails with
     * {@link javax.net.ssl.SSLException} if the sides do not agree, {@link ConnectionAbortedException} if the handshake
     * takes too long, {@link ConnectionResetException} if the connection ends; it is closed then.
     *
     * <pre>{@code
     * writer.write("STARTTLS\r\n");
     * if (new String(await(reader.readLine()), US_ASCII).startsWith("220")) {
     *     await(writer.startTls(TlsOptions.builder().context(context).serverHostname("mail.example.org").build()));
     * }
     * }</pre>
     *
     * <p>asyncio: {@code StreamWriter.start_tls}.
     */
    public Mono<Void> startTls(TlsOptions options) {
        Objects.requireNonNull(options, "TlsOptions, got null");
        return new Opening<>("startTls of " + this, loop -> Tls.handshake(handler.connection(), options, null, -1))
                .then();
    }

    // ---- closing

    /**
     * Closes the connection when all that is buffered has been sent; nothing more is read. Returns at once: see
     * {@link #waitClosed}. Closing twice does nothing.
     */
    public void close() {
        if (!closing) {
            closing = true;
            onLoopIfOpen(handler::close);
        }
    }

    /** Closes the connection at once and drops what is buffered; the peer sees it reset. */
    void abort() {
        closing = true;
        onLoopIfOpen(handler::abort);
    }

    /** Whether it is closed or being closed, by whichever side. */
    public boolean isClosing() {
        return closing || lost || !channel.isOpen();
    }

    /**
     * Waits until the connection is gone: completes empty, or fails with what broke the connection. Nothing happens
     * until subscription; cancelling stops waiting, not closing.
     */
    public Mono<Void> waitClosed() {
        return closed.then(Mono.defer(() -> failure == null ? Mono.empty() : Mono.error(failure)));
    }

    // ---- asking and tuning

    /** The peer's address; null if there is none. asyncio: {@code get_extra_info('peername')}. */
    public @Nullable SocketAddress remoteAddress() {
        return remoteAddress;
    }

    /** The connection's own address; null if there is none. asyncio: {@code get_extra_info('sockname')}. */
    public @Nullable SocketAddress localAddress() {
        return localAddress;
    }

    /**
     * What asyncio knows by a name: {@code peername} and {@code sockname} are {@link SocketAddress}es, {@code socket}
     * is the Netty {@link Channel}, which stays this library's property, null when the connection is gone. With TLS
     * {@code ssl_object} is the {@link javax.net.ssl.SSLEngine}, {@code sslcontext} what it was made with,
     * {@code cipher} a list of its name, the protocol and the bits of the key, {@code peercert} the peer's
     * {@link java.security.cert.X509Certificate}; {@link StreamConnection} has the same with types. Null for an unknown
     * name.
     */
    public @Nullable Object getExtraInfo(String name) {
        return switch (Objects.requireNonNull(name, "name")) {
            case "peername" -> remoteAddress;
            case "sockname" -> localAddress;
            case "socket" -> lost ? null : channel;
            default -> tlsInfo(name);
        };
    }

    private @Nullable Object tlsInfo(String name) {
        TlsLayer tls = handler.tls();
        SSLEngine engine = tls == null ? null : tls.engine();
        if (tls == null || engine == null) {
            return null;
        }
        return switch (name) {
            case "ssl_object" -> engine;
            case "sslcontext" -> tls.context();
            case "cipher" -> Tls.cipher(engine.getSession());
            case "peercert" ->
                Tls.peerCertificates(engine.getSession()).stream().findFirst().orElse(null);
            default -> null;
        };
    }

    /** As {@link #setWriteBufferLimits(int, int)}, with a quarter of {@code high} for {@code low}. */
    public void setWriteBufferLimits(int high) {
        setWriteBufferLimits(high, high / 4);
    }

    /**
     * Sets when {@link #drain} waits: from when more than {@code high} bytes are buffered until no more than
     * {@code low} are. At first they are 64 KiB and 16 KiB; Netty counts about 100 bytes for each write on top.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    public void setWriteBufferLimits(int high, int low) {
        if (low < 0 || high < low) {
            throw new IllegalArgumentException("high (" + high + ") must be >= low (" + low + ") must be >= 0");
        }
        // Netty resumes below its low mark, asyncio at it
        int lowMark = low == Integer.MAX_VALUE ? low : low + 1;
        channel.config()
                .setOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(lowMark, Math.max(high, lowMark)));
    }

    // ---- drain, on the loop

    void onLoop(Runnable step) {
        if (channel.eventLoop().inEventLoop()) {
            step.run();
        } else {
            channel.eventLoop().execute(step);
        }
    }

    private void onLoopIfOpen(Runnable step) {
        try {
            onLoop(step);
        } catch (RejectedExecutionException e) {
            // the loop is closed, and the connection with it
        }
    }

    Channel channel() {
        return channel;
    }

    /** How a drain that is subscribed to now ends. */
    Mono<Void> drainNow() {
        Throwable readError = handler.reader().exception();
        if (readError != null) {
            return Mono.error(readError);
        }
        if (!lost && isClosing()) {
            // one turn, in which the loss may become known: else write() and drain() in a loop would never see it
            Future<Void> oneTurn = new Future<>();
            channel.eventLoop().execute(() -> oneTurn.trySetResult(null));
            return oneTurn.then(Mono.defer(this::drainOpenOrLost));
        }
        return drainOpenOrLost();
    }

    private Mono<Void> drainOpenOrLost() {
        if (lost) {
            return Mono.error(lossError());
        }
        if (!handler.hasRoom()) {
            handler.flush();
        }
        if (handler.hasRoom()) {
            return Mono.empty();
        }
        Future<Void> room = this.room;
        if (room == null) {
            room = new Future<>();
            this.room = room;
        }
        return room.then(Mono.defer(() -> failure == null ? Mono.empty() : Mono.error(failure)));
    }

    Throwable lossError() {
        Throwable failure = this.failure;
        return failure != null ? failure : new ConnectionResetException("Connection lost: " + this);
    }

    void releaseDrainers() {
        Future<Void> released = room;
        if (released != null) {
            room = null;
            released.trySetResult(null);
        }
    }

    // ---- the connection's side, on the loop

    boolean closeRequested() {
        return closing;
    }

    Future<Void> closed() {
        return closed;
    }

    void connectionLost(@Nullable Throwable failure) {
        this.failure = failure;
        lost = true;
        releaseDrainers();
        closed.trySetResult(null);
    }

    /** {@code <StreamWriter /127.0.0.1:50000 -> /127.0.0.1:80 open>}. */
    @Override
    public String toString() {
        return "<StreamWriter " + localAddress + " -> " + remoteAddress
                + (lost ? " closed" : isClosing() ? " closing" : " open") + ">";
    }
}
