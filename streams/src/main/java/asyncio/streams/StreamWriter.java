package asyncio.streams;

import asyncio.Future;
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
 * <p>What is written in one turn of the loop goes out together, at the end of that turn.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. Writes of one thread go out in their order.
 *
 * <p><b>Errors.</b> {@link #write} never fails because the peer is lost: {@link #drain} and {@link #waitClosed} do,
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
    /** Is not forgotten while somebody holds its writer. */
    @SuppressWarnings({"UnusedVariable", "FieldCanBeLocal"}) // held for the collector
    private final Object owner;

    /** @param owner the connection whose it is, or the transport that writes by it */
    StreamWriter(StreamHandler handler, Object owner) {
        this.owner = owner;
        this.handler = handler;
        this.out = handler.writer();
        this.channel = out.channel;
    }

    // ---- writing

    /**
     * Buffers bytes to be sent. The array is copied: it may be changed as soon as this returns. Dropped if the
     * connection is closing or lost; the fifth time that is a warning in the log.
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

    /** As {@link #write(byte[])}, in UTF-8. */
    public void write(String text) {
        write(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * As {@link #write(byte[])}, without copying: the writer owns the buffer from here on and releases it, whatever
     * happens. Its bytes must not be changed any more. To send a buffer and keep it, write {@code retain()} of it.
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

    /** As {@link #write(byte[])} of all of them joined: what other threads write does not come in between. */
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

    /** @param file the {@link #sendFile} whose bytes they are, which may have been cancelled just now; or null */
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
            synchronized (out) { // so that a file or the end that another thread begins comes behind it, or refuses it
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
     * Writes all that a source gives, as fast as the peer takes it: the source is asked for one array at a time, as
     * long as there is room in the write buffer, which so holds at most the high limit and one array. Completes empty
     * when the last byte is handed to the operating system. Nothing happens until subscription; cancelling cancels the
     * source, and what it gave is sent.
     *
     * <p>Fails with the source's error, and the connection stays open; with what breaks the connection, or with
     * {@link ConnectionResetException} if it is closed, and the source is cancelled; with {@link IllegalStateException}
     * after {@link #writeEof}, and while {@link #sendFile} runs. What others write meanwhile comes in between.
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
     * As {@link #writeFrom}, without copying: the writer owns the buffers and releases them, as
     * {@link #write(ByteBuf)}.
     */
    public Mono<Void> writeFromBuffers(Publisher<? extends ByteBuf> source) {
        return new MonoWriteFrom<>(this, "writeFromBuffers", Objects.requireNonNull(source, "source"), bytes -> {
            int size = bytes.readableBytes();
            write(bytes);
            return size;
        });
    }

    /** As {@link #writeFrom}, of a {@link #sendFile} that runs; the arrays are not copied. */
    Mono<Void> writeFile(Object file, Publisher<byte[]> pieces) {
        return new MonoWriteFrom<>(this, MonoWriteFrom.OF_FILE, pieces, bytes -> {
            send(Unpooled.wrappedBuffer(bytes), file);
            return bytes.length;
        });
    }

    /** As {@link #sendFile(Path, long, long)} of the whole file. */
    public Mono<Long> sendFile(Path file) {
        return sendFile(file, 0, Long.MAX_VALUE);
    }

    /**
     * Sends a part of a file, behind what was written before, and gives the number of bytes when the last one is handed
     * to the operating system: less than {@code count} if the file ends before. On TCP and Unix sockets without TLS the
     * kernel copies from the file to the socket; elsewhere the file is read in pieces, on other threads. Nothing
     * happens until subscription; cancelling sends no further piece (of a megabyte at most).
     *
     * <p>From subscription to its end nothing else can be written: {@link #write} and its like, {@link #writeEof} and
     * another {@code sendFile} are refused with an {@link IllegalStateException}, and so is {@link #startTls}.
     *
     * <p>Fails with what the file system says, such as {@link java.nio.file.NoSuchFileException}, before anything is
     * sent; otherwise as {@link #writeFrom}.
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
     * @throws IllegalStateException while {@link #sendFile} runs
     */
    public void writeEof() {
        out.checkNoFile("writeEof");
        if (!canWriteEof()) {
            throw new UnsupportedOperationException(
                    "Cannot close the write side of " + this + " alone, as with TLS: close() it");
        }
        if (out.requestEof()) {
            out.onLoopIfOpen(handler::writeEof);
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
     * <p>Bytes written before go out in cleartext. Bytes received in cleartext must have been read: it fails with
     * {@link IllegalStateException} if bytes are left, which whoever sits between the two could have added, or if
     * somebody is reading. A client must name the server in {@link TlsOptions.Builder#serverHostname}. Fails with
     * {@link javax.net.ssl.SSLException} if the sides do not agree, {@link ConnectionAbortedException} if the handshake
     * takes too long, {@link ConnectionResetException} if the connection ends; it is closed then.
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
     * Closes the connection when all that is buffered has been sent; nothing more is read. Returns at once: see
     * {@link #waitClosed}. Closing twice does nothing.
     *
     * <p>The end of a program waits for that, ten seconds at most ({@link asyncio.Runner#close}). What is unsent then,
     * or when its loop is closed otherwise, is lost with a warning, and the peer sees a reset and no end.
     */
    public void close() {
        handler.requestClose();
    }

    /** Closes the connection at once and drops what is buffered; the peer sees it reset. */
    void abort() {
        handler.requestAbort();
    }

    /** Whether it is closed or being closed, by whichever side. */
    public boolean isClosing() {
        return out.isClosing();
    }

    /**
     * Waits until the connection is gone: completes empty, or fails with what broke the connection. Nothing happens
     * until subscription; cancelling stops waiting, not closing.
     */
    public Mono<Void> waitClosed() {
        return out.closed().then(Mono.defer(this::failed));
    }

    // ---- asking and tuning

    /** The peer's address; null if there is none. asyncio: {@code get_extra_info('peername')}. */
    public @Nullable SocketAddress remoteAddress() {
        return out.remoteAddress;
    }

    /** The connection's own address; null if there is none. asyncio: {@code get_extra_info('sockname')}. */
    public @Nullable SocketAddress localAddress() {
        return out.localAddress;
    }

    /**
     * A property that asyncio knows by a name: {@code peername} and {@code sockname} are {@link SocketAddress}es,
     * {@code socket} is the Netty {@link Channel}, which stays this library's property, null when the connection is
     * gone. With TLS {@code ssl_object} is the {@link javax.net.ssl.SSLEngine}, {@code sslcontext} what it was made
     * with, {@code cipher} a list of its name, the protocol and the bits of the key, {@code peercert} the peer's
     * {@link java.security.cert.X509Certificate}; {@link StreamConnection} has the same with types. Null for an unknown
     * name.
     */
    public @Nullable Object getExtraInfo(String name) {
        return getExtraInfo(name, null);
    }

    /**
     * As {@link #getExtraInfo(String)}, with another value for what is unknown or not there.
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
            case "socket" -> out.isLost() ? null : channel;
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
     * {@code low} are. At first they are 64 KiB and 16 KiB, with TLS 512 KiB and 128 KiB; Netty counts about 100 bytes
     * for each write on top.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    public void setWriteBufferLimits(int high, int low) {
        out.setLimits(new WriteBufferLimits(low, high));
    }

    /**
     * The Netty channel, for its options and figures: {@code channel().config()}. It stays this library's property:
     * write and close here, not there. asyncio: {@code transport}.
     */
    public Channel channel() {
        return channel;
    }

    /**
     * The transport beneath, whose protocol the reader is: for its limits, {@link Transport#abort}, or to give the
     * connection to another protocol. What the reader has not given then stays with the reader. A connection whose
     * transport was asked for is not closed by the garbage collector.
     *
     * <p>asyncio: {@code StreamWriter.transport}.
     *
     * @throws UnsupportedOperationException if the connection is one of Reactor Netty's that runs on a loop of its own
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
            // one turn, in which the loss may become known: else write() and drain() in a loop would never see it
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

    /** The failure, if there is one; refers to the writer, which is not forgotten while somebody waits for it. */
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
