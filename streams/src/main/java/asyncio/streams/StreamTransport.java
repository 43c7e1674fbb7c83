package asyncio.streams;

import asyncio.EventLoop;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOutboundBuffer;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.Connection;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * A transport over a Netty channel. It writes as a {@link StreamWriter} does; {@link ProtocolCalls} bring the protocol
 * what comes.
 */
final class StreamTransport implements Transport {
    private static final String HANDLER = "asyncio.transport";

    private final Channel channel;
    private final EventLoop loop;
    private final StreamHandler handler;
    private final Outgoing out;
    private final ProtocolCalls calls;
    private final StreamWriter writer;
    /** The connection of this transport, which is so kept in use; null without one. */
    @SuppressWarnings({"UnusedVariable", "FieldCanBeLocal"}) // held for the collector
    private final @Nullable StreamConnection connection;

    private StreamTransport(Channel channel, EventLoop loop, BaseProtocol<?> protocol, ContextView context) {
        this.channel = channel;
        this.loop = loop;
        this.connection = null;
        this.handler =
                new StreamHandler(channel, this, stream -> new ProtocolCalls(this, stream, loop, protocol, context));
        this.calls = (ProtocolCalls) handler.inbound();
        this.out = handler.writer();
        this.writer = new StreamWriter(handler, this);
        out.setKind("Transport");
    }

    private StreamTransport(StreamConnection connection, EventLoop loop) {
        this.connection = connection;
        this.loop = loop;
        this.handler = connection.handler();
        this.out = handler.writer();
        this.channel = out.channel;
        this.writer = connection.writer();
        BaseProtocol<?> reading = new StreamReaderProtocol(handler, handler.reader());
        this.calls = new ProtocolCalls(this, handler, loop, reading, Context.empty());
    }

    /** That of a reader and a writer; {@link StreamHandler#transport} knows the only one. */
    static StreamTransport of(StreamConnection connection, EventLoop loop) {
        return new StreamTransport(connection, loop);
    }

    /** @throws IllegalArgumentException if it is none of these */
    static StreamTransport own(Transport transport) {
        if (transport instanceof StreamTransport own) {
            return own;
        }
        throw new IllegalArgumentException("Not a transport of a connection, made by Transports: "
                + Objects.requireNonNull(transport, "transport"));
    }

    /**
     * Puts a protocol on a connection, on the loop; it is told nothing before {@link ProtocolCalls#connectionMade}.
     *
     * @param context of the protocol's calls
     * @throws IllegalArgumentException if the protocol is of no kind for streams
     */
    static StreamTransport of(Connection connection, EventLoop loop, BaseProtocol<?> protocol, ContextView context) {
        StreamTransport transport = new StreamTransport(connection.channel(), loop, protocol, context);
        connection.addHandlerLast(HANDLER, transport.handler);
        return transport;
    }

    /**
     * Makes a protocol, in the context of whoever has asked for the transport.
     *
     * @throws NullPointerException if the factory makes none
     */
    static <P extends BaseProtocol<?>> P newProtocol(
            EventLoop loop, Supplier<? extends P> factory, ContextView context) {
        AtomicReference<@Nullable P> made = new AtomicReference<>();
        loop.runInContext(() -> made.set(factory.get()), context);
        return Objects.requireNonNull(made.get(), "The factory of protocols has made null");
    }

    StreamHandler handler() {
        return handler;
    }

    ProtocolCalls calls() {
        return calls;
    }

    /** Tells the protocol of the transport, and gives what was opened; fails if it is lost already. */
    <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectionMade(Opened<Transport, P> opened) {
        if (calls.isLostBeforeMade()) {
            return Mono.error(out.lossError());
        }
        calls.connectionMade();
        return Mono.just(opened);
    }

    /** Makes a reader the protocol. */
    StreamConnection toStreams(int limit) {
        Incoming reader = handler.reader(limit, "the limit of StreamConnection.from");
        if (!(calls.protocol() instanceof StreamReaderProtocol)) {
            StreamReaderProtocol reading = new StreamReaderProtocol(handler, reader);
            calls.setProtocol(reading);
            out.onLoopIfOpen(() -> calls.catchUp(reading));
        }
        return handler.connection();
    }

    /** Encrypts from here on, for another protocol. */
    Mono<Transport> startTls(BaseProtocol<?> protocol, TlsOptions options, boolean server) {
        return Tls.handshake(
                handler,
                () -> {
                    calls.setProtocol(protocol);
                    calls.resumeReading();
                    return handler.startTls(options, server, null, -1);
                },
                this);
    }

    /** As {@link StreamWriter#sendFile(Path, long, long)}, if the transport may send it so. */
    Mono<Long> sendFile(Path file, long offset, long count, boolean fallback) {
        if (isClosing()) {
            return Mono.error(new IllegalStateException("Transport is closing: " + this));
        }
        if (!fallback && !handler.sendsRegions()) {
            return Mono.error(new SendfileNotAvailableException(this + " cannot have the kernel send a file"
                    + (handler.tls() == null ? "" : ", since it has to be encrypted")
                    + ": allow the fallback, which reads it in pieces"));
        }
        return writer.sendFile(file, offset, count);
    }

    // ---- asking

    @Override
    public boolean isClosing() {
        return out.isClosing();
    }

    @Override
    public @Nullable Object getExtraInfo(String name, @Nullable Object defaultValue) {
        return writer.getExtraInfo(name, defaultValue);
    }

    @Override
    public EventLoop getLoop() {
        return loop;
    }

    @Override
    public void setProtocol(BaseProtocol<?> protocol) {
        calls.setProtocol(Objects.requireNonNull(protocol, "protocol"));
    }

    @Override
    public BaseProtocol<?> getProtocol() {
        return calls.protocol();
    }

    // ---- reading

    @Override
    public boolean isReading() {
        return calls.isReading();
    }

    @Override
    public void pauseReading() {
        out.onLoopIfOpen(calls::pauseReading);
    }

    @Override
    public void resumeReading() {
        out.onLoopIfOpen(calls::resumeReading);
    }

    // ---- writing

    @Override
    public void write(byte[] data) {
        writer.write(data);
        wrote();
    }

    @Override
    public void write(ByteBuf data) {
        writer.write(data);
        wrote();
    }

    @Override
    public void writelines(Iterable<byte[]> data) {
        writer.writelines(data);
        wrote();
    }

    /** On other threads the handler says it, when it has written. */
    private void wrote() {
        if (channel.eventLoop().inEventLoop()) {
            calls.wrote();
        }
    }

    @Override
    public void writeEof() {
        writer.writeEof();
    }

    @Override
    public boolean canWriteEof() {
        return writer.canWriteEof();
    }

    @Override
    public int getWriteBufferSize() {
        return (int) Math.min(Integer.MAX_VALUE, channel.eventLoop().inEventLoop() ? handler.size() : pending());
    }

    /** As other threads may see it, with what Netty counts for each write. */
    private long pending() {
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        return buffer == null ? 0 : buffer.totalPendingWriteBytes();
    }

    @Override
    public WriteBufferLimits getWriteBufferLimits() {
        return out.limits();
    }

    @Override
    public void setWriteBufferLimits(WriteBufferLimits limits) {
        out.setLimits(Objects.requireNonNull(limits, "limits"));
        out.onLoopIfOpen(() -> {
            handler.compareWithLimits();
            calls.wrote();
        });
    }

    // ---- closing

    @Override
    public void close() {
        handler.requestClose();
    }

    @Override
    public void abort() {
        handler.requestAbort();
    }

    /** {@code <Transport /127.0.0.1:50000 -> /127.0.0.1:80 open>}. */
    @Override
    public String toString() {
        return out.toString();
    }
}
