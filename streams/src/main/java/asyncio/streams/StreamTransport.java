package asyncio.streams;

import asyncio.EventLoop;
import asyncio.streams.internal.PipeEnd;
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
 * A transport over a Netty channel. It writes as a {@link StreamWriter} does; {@link ProtocolCalls} passes events to
 * the protocol.
 */
final class StreamTransport implements Transport {
    private static final String HANDLER = "asyncio.transport";

    private final Channel channel;
    private final EventLoop loop;
    private final StreamHandler handler;
    private final Outgoing out;
    private final ProtocolCalls calls;
    private final StreamWriter writer;
    /** The connection of this transport, kept reachable by it; null without one. */
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

    /** Creates the transport of a reader and a writer; {@link StreamHandler#transport} keeps the only one. */
    static StreamTransport of(StreamConnection connection, EventLoop loop) {
        return new StreamTransport(connection, loop);
    }

    /** @throws IllegalArgumentException if it is not a transport of this class */
    static StreamTransport own(Transport transport) {
        if (transport instanceof StreamTransport own) {
            return own;
        }
        throw new IllegalArgumentException("Not a transport of a connection created by Transports: "
                + Objects.requireNonNull(transport, "transport"));
    }

    /**
     * Puts a protocol on a connection, on the loop; it is not called before {@link ProtocolCalls#connectionMade}.
     *
     * @param context the context for calls of the protocol
     * @throws IllegalArgumentException if the protocol is not one for streams
     */
    static StreamTransport of(Connection connection, EventLoop loop, BaseProtocol<?> protocol, ContextView context) {
        StreamTransport transport = new StreamTransport(connection.channel(), loop, protocol, context);
        connection.addHandlerLast(HANDLER, transport.handler);
        return transport;
    }

    /**
     * Creates a protocol, in the context of the code that opens the transport.
     *
     * @throws NullPointerException if the factory returns null
     */
    static <P extends BaseProtocol<?>> P newProtocol(
            EventLoop loop, Supplier<? extends P> factory, ContextView context) {
        AtomicReference<@Nullable P> made = new AtomicReference<>();
        loop.runInContext(() -> made.set(factory.get()), context);
        return Objects.requireNonNull(made.get(), "The protocol factory returned null");
    }

    StreamHandler handler() {
        return handler;
    }

    ProtocolCalls calls() {
        return calls;
    }

    /** Calls {@code connectionMade} and returns the opened pair; fails if the connection is already lost. */
    <P extends BaseProtocol<Transport>> Mono<Opened<Transport, P>> connectionMade(Opened<Transport, P> opened) {
        if (calls.isLostBeforeMade()) {
            return Mono.error(out.lossError());
        }
        calls.connectionMade();
        return Mono.just(opened);
    }

    /** Makes a reader the protocol of this transport. */
    StreamConnection toStreams(int limit) {
        Incoming reader = handler.reader(limit, "the limit of StreamConnection.from");
        if (!(calls.protocol() instanceof StreamReaderProtocol)) {
            StreamReaderProtocol reading = new StreamReaderProtocol(handler, reader);
            calls.setProtocol(reading);
            out.onLoopIfOpen(() -> calls.catchUp(reading));
        }
        return handler.connection();
    }

    /** Starts TLS, with another protocol. */
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

    /**
     * Like {@link StreamWriter#sendFile(Path, long, long)}, if the file can be sent directly or {@code fallback} is
     * true.
     */
    Mono<Long> sendFile(Path file, long offset, long count, boolean fallback) {
        if (isClosing()) {
            return Mono.error(new IllegalStateException("Transport is closing: " + this));
        }
        if (channel instanceof PipeEnd) {
            return Mono.error(new UnsupportedOperationException(this + " is an end of a pipe, for which there is no"
                    + " sendFile: read the file in a thread and write its pieces"));
        }
        if (!fallback && !handler.sendsRegions()) {
            return Mono.error(new SendfileNotAvailableException(this + " cannot let the kernel send a file"
                    + (handler.tls() == null ? "" : ", since it has to be encrypted")
                    + ": allow the fallback, which reads it in pieces"));
        }
        return writer.sendFile(file, offset, count);
    }

    // ---- state

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
        checkHalf(true, "isReading");
        return calls.isReading();
    }

    /** @throws UnsupportedOperationException if it is one end of a pipe, and the other half is asked for */
    private void checkHalf(boolean reading, String method) {
        if (channel instanceof PipeEnd pipe && pipe.reads() != reading) {
            throw new UnsupportedOperationException(this + " is the " + (reading ? "writing" : "reading")
                    + " end of a pipe, and has no " + method + "()");
        }
    }

    @Override
    public void pauseReading() {
        checkHalf(true, "pauseReading");
        out.onLoopIfOpen(calls::pauseReading);
    }

    @Override
    public void resumeReading() {
        checkHalf(true, "resumeReading");
        out.onLoopIfOpen(calls::resumeReading);
    }

    // ---- writing

    @Override
    public void write(byte[] data) {
        checkHalf(false, "write");
        writer.write(data);
        wrote();
    }

    @Override
    public void write(ByteBuf data) {
        try {
            checkHalf(false, "write");
        } catch (UnsupportedOperationException e) {
            data.release();
            throw e;
        }
        writer.write(data);
        wrote();
    }

    @Override
    public void writelines(Iterable<byte[]> data) {
        checkHalf(false, "writelines");
        writer.writelines(data);
        wrote();
    }

    /** Reports a write; on other threads the handler does so when it has written. */
    private void wrote() {
        if (channel.eventLoop().inEventLoop()) {
            calls.wrote();
        }
    }

    @Override
    public void writeEof() {
        checkHalf(false, "writeEof");
        writer.writeEof();
    }

    @Override
    public boolean canWriteEof() {
        checkHalf(false, "canWriteEof");
        return writer.canWriteEof();
    }

    @Override
    public int getWriteBufferSize() {
        checkHalf(false, "getWriteBufferSize");
        return (int) Math.min(Integer.MAX_VALUE, channel.eventLoop().inEventLoop() ? handler.size() : pending());
    }

    /** The size as visible to other threads, including Netty's overhead for each write. */
    private long pending() {
        ChannelOutboundBuffer buffer = channel.unsafe().outboundBuffer();
        return buffer == null ? 0 : buffer.totalPendingWriteBytes();
    }

    @Override
    public WriteBufferLimits getWriteBufferLimits() {
        checkHalf(false, "getWriteBufferLimits");
        return out.limits();
    }

    @Override
    public void setWriteBufferLimits(WriteBufferLimits limits) {
        checkHalf(false, "setWriteBufferLimits");
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
