package asyncio.streams;

import asyncio.Future;
import asyncio.streams.internal.PipeEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;

/**
 * Writes to a connection: {@link #write} only buffers, {@link #drain} waits until there is room again.
 *
 * <p>Bytes written in one tick of the loop are sent together, at the end of that tick.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. The writes of one thread are sent in order.
 *
 * <p><b>Errors.</b> {@link #write} never fails because the peer is lost; {@link #drain} and {@link #waitClosed} do,
 * with {@link ConnectionResetException} or {@link BrokenPipeException} on every transport.
 *
 * <pre>{@code
 * writer.write("PING\r\n");
 * await(writer.drain());
 *
 * writer.close();
 * await(writer.waitClosed());
 * }</pre>
 *
 * <p>asyncio: {@code StreamWriter}.
 */
public final class StreamWriter {
    private final Channel channel;
    private final StreamHandler handler;
    private final Outgoing out;
    private final Mono<Void> drain = new MonoDrain(this);
    /** Kept reachable as long as the writer is. */
    @SuppressWarnings({"UnusedVariable", "FieldCanBeLocal"}) // held for the collector
    private final Object owner;

    /** @param owner the connection that this writer belongs to, or the transport that writes through it */
    StreamWriter(StreamHandler handler, Object owner) {
        this.owner = owner;
        this.handler = handler;
        this.out = handler.writer();
        this.channel = out.channel;
    }

    // ---- writing

    /**
     * Buffers bytes to be sent. The array is copied and may be changed as soon as this returns. If the connection is
     * closing or lost, the bytes are dropped; the fifth such write logs a warning.
     *
     * @throws IllegalStateException after {@link #writeEof}, and while {@link #sendFile} runs
     */
    public void write(byte[] bytes) {
        checkMayWrite();
        if (bytes.length == 0) {
            return;
        }
        if (isClosing()) {
            out.dropWrite();
        } else if (channel.eventLoop().inEventLoop()) {
            handler.writeCopy(bytes);
        } else {
            send(channel.alloc().ioBuffer(bytes.length).writeBytes(bytes), null);
        }
    }

    private void checkMayWrite() {
        out.checkEofNotWritten();
        out.checkNoFile("write");
    }

    /** Like {@link #write(byte[])}, in UTF-8. */
    public void write(String text) {
        write(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Like {@link #write(byte[])}, without copying: the writer takes ownership of the buffer and releases it, also on
     * failure. Its bytes must not be changed any more. To send a buffer and keep it, pass {@code buffer.retain()}.
     */
    public void write(ByteBuf bytes) {
        try {
            checkMayWrite();
        } catch (IllegalStateException e) {
            bytes.release();
            throw e;
        }
        if (!bytes.isReadable()) {
            bytes.release();
        } else if (isClosing()) {
            bytes.release();
            out.dropWrite();
        } else {
            send(bytes, null);
        }
    }

    /** Like {@link #write(byte[])} with all of them joined: writes of other threads do not come in between. */
    public void writelines(Iterable<byte[]> lines) {
        checkMayWrite();
        ByteBuf all = channel.alloc().ioBuffer();
        try {
            lines.forEach(all::writeBytes);
        } catch (Throwable e) {
            all.release();
            throw e;
        }
        write(all);
    }

    /** @param file the {@link #sendFile} that the bytes belong to, which may have just been cancelled; or null */
    private void send(ByteBuf bytes, @Nullable Object file) {
        if (channel.eventLoop().inEventLoop()) {
            if (file == null || out.sends(file)) {
                handler.write(bytes);
            } else {
                bytes.release();
            }
            return;
        }
        try {
            synchronized (out) { // so that a file or EOF of another thread comes after these bytes, or refuses them
                if (file == null) {
                    checkMayWrite();
                } else if (!out.sends(file)) {
                    bytes.release();
                    return;
                }
                channel.eventLoop().execute(() -> handler.writeLater(bytes));
            }
        } catch (RejectedExecutionException e) {
            bytes.release(); // the loop is closed, and the connection with it
        } catch (Throwable e) {
            bytes.release();
            throw e;
        }
    }

    /**
     * Writes everything a source emits, as fast as the peer accepts it. One array at a time is requested, while there
     * is room in the write buffer, which therefore holds at most the high limit plus one array. Completes empty when
     * the last byte has been handed to the operating system. Nothing happens until subscription; cancelling cancels the
     * source, and arrays it has already emitted are still sent.
     *
     * <p>Fails with the source's error, and the connection stays open; with the error that breaks the connection, or
     * {@link ConnectionResetException} if it is closed, and the source is cancelled; with {@link IllegalStateException}
     * after {@link #writeEof}, and while {@link #sendFile} runs. Other writes may come in between.
     *
     * <pre>{@code
     * await(writer.writeFrom(Flux.fromIterable(rows).map(row -> row.toCsv().getBytes(UTF_8))));
     * }</pre>
     */
    public Mono<Void> writeFrom(Publisher<byte[]> source) {
        return new MonoWriteFrom<>(this, "writeFrom", Objects.requireNonNull(source, "source"), bytes -> {
            write(bytes);
            return bytes.length;
        });
    }

    /**
     * Like {@link #writeFrom}, without copying: the writer takes ownership of the buffers and releases them, as with
     * {@link #write(ByteBuf)}.
     */
    public Mono<Void> writeFromBuffers(Publisher<? extends ByteBuf> source) {
        return new MonoWriteFrom<>(this, "writeFromBuffers", Objects.requireNonNull(source, "source"), bytes -> {
            int size = bytes.readableBytes();
            write(bytes);
            return size;
        });
    }

    /** Like {@link #writeFrom}, for a running {@link #sendFile}; the arrays are not copied. */
    Mono<Void> writeFile(Object file, Publisher<byte[]> pieces) {
        return new MonoWriteFrom<>(this, MonoWriteFrom.OF_FILE, pieces, bytes -> {
            send(Unpooled.wrappedBuffer(bytes), file);
            return bytes.length;
        });
    }

    /** Like {@link #sendFile(Path, long, long)}, for the whole file. */
    public Mono<Long> sendFile(Path file) {
        return sendFile(file, 0, Long.MAX_VALUE);
    }

    /**
     * Sends a part of a file, after the bytes written before, and returns the number of bytes once the last one has
     * been handed to the operating system: less than {@code count} if the file ends before. On TCP and Unix sockets
     * without TLS the kernel copies from the file to the socket; elsewhere the file is read in pieces on other threads.
     * Nothing happens until subscription; after cancellation no further piece (of at most a megabyte) is sent.
     *
     * <p>From subscription until it ends, nothing else can be written: all forms of {@link #write}, {@link #writeEof},
     * another {@code sendFile} and {@link #startTls} fail with {@link IllegalStateException}.
     *
     * <p>Fails with an error of the file system, such as {@link java.nio.file.NoSuchFileException}, before anything is
     * sent; otherwise as {@link #writeFrom} does.
     *
     * <p>asyncio: {@code loop.sendfile}.
     *
     * @throws IllegalArgumentException if the offset or the count is negative
     */
    public Mono<Long> sendFile(Path file, long offset, long count) {
        Objects.requireNonNull(file, "file");
        OptionChecks.partOfFile("sendFile", offset, count);
        return Mono.defer(() -> new SendFile(this, handler, file, offset, count).send());
    }

    /**
     * Waits until there is room in the write buffer. Completes empty: at once if no more than the high limit is
     * buffered, else when no more than the low limit is left. Nothing happens until subscription; cancelling stops
     * waiting and keeps the buffered bytes. Several callers may wait.
     *
     * <p>Fails with the error that broke the connection, or with {@link ConnectionResetException} if it is closed.
     */
    public Mono<Void> drain() {
        return drain;
    }

    /**
     * Closes the write side once everything buffered has been sent: the peer sees the end of the stream and may
     * continue sending. A second call does nothing.
     *
     * @throws UnsupportedOperationException if {@link #canWriteEof} is false
     * @throws IllegalStateException while {@link #sendFile} runs
     */
    public void writeEof() {
        out.checkNoFile("writeEof");
        if (!canWriteEof()) {
            throw new UnsupportedOperationException("Cannot close only the write side of " + this
                    + " (TLS, for example, has no half-close): use close()");
        }
        if (out.requestEof()) {
            out.onLoopIfOpen(handler::writeEof);
        }
    }

    /** Returns whether the write side can be closed alone: not over TLS. */
    public boolean canWriteEof() {
        return handler.canHalfClose();
    }

    /**
     * Upgrades the connection to TLS; the same reader and writer stay in use. Both sides call it; the side that
     * accepted the connection is the TLS server. Completes empty when the handshake is done. Nothing happens until
     * subscription; cancelling aborts the connection.
     *
     * <p>Bytes written before are sent in cleartext. Bytes received in cleartext must have been read: it fails with
     * {@link IllegalStateException} if any are left, since an attacker in the middle could have injected them, or if a
     * read is waiting. A client must name the server in {@link TlsOptions.Builder#serverHostname}. Fails with
     * {@link javax.net.ssl.SSLException} if the sides do not agree, {@link ConnectionAbortedException} if the handshake
     * takes too long, {@link ConnectionResetException} if the connection ends; in each of these cases the connection is
     * closed.
     *
     * <pre>{@code
     * writer.write("STARTTLS\r\n");
     * if (new String(await(reader.readLine()), US_ASCII).startsWith("220")) {
     *     await(writer.startTls(TlsOptions.builder().context(sslContext).serverHostname("mail.example.org").build()));
     * }
     * }</pre>
     *
     * <p>asyncio: {@code StreamWriter.start_tls}.
     */
    public Mono<Void> startTls(TlsOptions options) {
        Objects.requireNonNull(options, "TlsOptions, got null");
        return new MonoOpen<>(
                        "startTls of " + this,
                        loop -> Tls.handshake(
                                handler,
                                () -> handler.startTls(options, out.isAccepted(), null, -1),
                                handler.connection()))
                .then();
    }

    // ---- closing

    /**
     * Closes the connection once everything buffered has been sent; nothing more is read. Returns at once: see
     * {@link #waitClosed}. Closing twice does nothing.
     *
     * <p>The end of a program waits for that, up to ten seconds ({@link asyncio.Runner#close}). Bytes still unsent
     * then, or when the loop is closed otherwise, are lost with a warning, and the peer sees a reset instead of the end
     * of the stream.
     */
    public void close() {
        handler.requestClose();
    }

    /** Closes the connection at once and drops buffered bytes; the peer sees a reset. */
    void abort() {
        handler.requestAbort();
    }

    /** Returns whether the connection is closed or being closed, by either side. */
    public boolean isClosing() {
        return out.isClosing();
    }

    /**
     * Waits until the connection is closed: completes empty, or fails with the error that broke the connection. Nothing
     * happens until subscription; cancelling stops the waiting, not the closing.
     */
    public Mono<Void> waitClosed() {
        return out.closed().then(Mono.defer(this::failed));
    }

    // ---- state and tuning

    /** The peer's address; null if there is none. asyncio: {@code get_extra_info('peername')}. */
    public @Nullable SocketAddress remoteAddress() {
        return out.remoteAddress;
    }

    /** The connection's own address; null if there is none. asyncio: {@code get_extra_info('sockname')}. */
    public @Nullable SocketAddress localAddress() {
        return out.localAddress;
    }

    /**
     * Returns a property by its asyncio name: {@code peername} and {@code sockname} are {@link SocketAddress}es,
     * {@code socket} is the Netty {@link Channel}, which remains owned by this library, or null once the connection is
     * gone. With TLS {@code ssl_object} is the {@link javax.net.ssl.SSLEngine}, {@code sslcontext} the context it was
     * made with, {@code cipher} a list of its name, the protocol and the bits of the key, {@code peercert} the peer's
     * {@link java.security.cert.X509Certificate}; {@link StreamConnection} has typed accessors for these. Null for an
     * unknown name.
     */
    public @Nullable Object getExtraInfo(String name) {
        return getExtraInfo(name, null);
    }

    /**
     * Like {@link #getExtraInfo(String)}, with a default for a property that is unknown or absent.
     *
     * @since 0.1
     */
    public @Nullable Object getExtraInfo(String name, @Nullable Object defaultValue) {
        Object value = extraInfo(Objects.requireNonNull(name, "name"));
        return value == null ? defaultValue : value;
    }

    private @Nullable Object extraInfo(String name) {
        return switch (name) {
            case "peername" -> out.remoteAddress;
            case "sockname" -> out.localAddress;
            case "socket" -> out.isLost() || channel instanceof PipeEnd ? null : channel;
            case "pipe" -> channel instanceof PipeEnd pipe && !out.isLost() ? pipe.pipe() : null;
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

    /** Like {@link #setWriteBufferLimits(int, int)}, with a quarter of {@code high} for {@code low}. */
    public void setWriteBufferLimits(int high) {
        setWriteBufferLimits(high, high / 4);
    }

    /**
     * Sets when {@link #drain} waits: from the time more than {@code high} bytes are buffered until no more than
     * {@code low} are. The defaults are 64 KiB and 16 KiB, with TLS 512 KiB and 128 KiB; Netty adds about 100 bytes for
     * each write.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    public void setWriteBufferLimits(int high, int low) {
        out.setLimits(new WriteBufferLimits(low, high));
    }

    /**
     * The Netty channel, for its options and metrics: {@code channel().config()}. It remains owned by this library:
     * write and close here, not there. asyncio: {@code transport}.
     */
    public Channel channel() {
        return channel;
    }

    /**
     * The underlying transport, with the reader as its protocol: for its limits, {@link Transport#abort}, or to hand
     * the connection over to another protocol. Bytes that have not been read by then stay with the reader. After this
     * call, the connection is no longer closed when it is garbage collected.
     *
     * <p>asyncio: {@code StreamWriter.transport}.
     *
     * @throws UnsupportedOperationException if it is a Reactor Netty connection that runs on a separate loop
     * @since 0.1
     */
    public Transport transport() {
        return handler.transport();
    }

    Outgoing out() {
        return out;
    }

    StreamHandler handler() {
        return handler;
    }

    // ---- drain, on the loop

    /** Returns the outcome of a drain that is subscribed to now. */
    Mono<Void> drainNow() {
        Throwable readError = handler.readError();
        if (readError != null) {
            return Mono.error(readError);
        }
        if (!out.isLost() && isClosing()) {
            // one tick, in which the loss may become known: else write() and drain() in a loop would never see it
            Future<Void> oneTurn = new Future<>();
            channel.eventLoop().execute(() -> oneTurn.trySetResult(null));
            return oneTurn.then(Mono.defer(this::drainOpenOrLost));
        }
        return drainOpenOrLost();
    }

    private Mono<Void> drainOpenOrLost() {
        if (out.isLost()) {
            return Mono.error(out.lossError());
        }
        if (handler.hasRoom()) {
            return Mono.empty();
        }
        handler.flush();
        return handler.hasRoom() ? Mono.empty() : out.room().then(Mono.defer(this::failed));
    }

    /**
     * The failure, if there is one. It refers to the writer, so that the writer is kept reachable while it is waited
     * for.
     */
    private Mono<Void> failed() {
        Throwable failure = out.failure();
        return failure == null ? Mono.empty() : Mono.error(failure);
    }

    /** {@code <StreamWriter /127.0.0.1:50000 -> /127.0.0.1:80 open>}. */
    @Override
    public String toString() {
        return out.toString();
    }
}
