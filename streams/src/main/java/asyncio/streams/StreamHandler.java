package asyncio.streams;

import asyncio.Activities;
import asyncio.Activity;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.streams.internal.PipeEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.FileRegion;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.unix.DomainSocketChannel;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.ReferenceCounted;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The handler in the channel's pipeline for a reader and a writer, or for a transport and its protocol: passes them the
 * channel's events, and carries out their requests. Everything here runs on the channel's event loop, except for
 * {@link #requestClose} and {@link #requestAbort}.
 */
final class StreamHandler extends ChannelDuplexHandler implements StreamReader.Flow {
    private final Channel channel;
    private final Outgoing writer;
    private volatile Inbound inbound;
    /** Null for a protocol if the connection has never had a reader. */
    private volatile @Nullable Incoming reader;
    /** Created on demand; null until then. */
    private @Nullable StreamTransport transport;
    /** The loop, if it is one of ours. */
    private volatile @Nullable EventLoop loop;
    /** Weak, so that an unreachable connection is garbage collected and closed. */
    private WeakReference<StreamConnection> connection = new WeakReference<>(null);

    private @Nullable ChannelHandlerContext context;
    /** The bytes written after the {@link #dirty} ones. */
    private final WriteGatherer gathered;
    /** Bytes were written but not flushed; a flush is scheduled. */
    private boolean dirty;
    /** Between a read and the end of that burst of reads, which always flushes. */
    private boolean reading;

    /** The number of bytes passed on since the last flush. */
    private int unflushed;

    private boolean lost;
    /** Whether it counts as an open connection. */
    private boolean counted;

    private volatile @Nullable TlsLayer tls;

    /**
     * Creates a handler for a reader and a writer.
     *
     * @param limitSetting see {@link ReaderSource}
     */
    StreamHandler(Channel channel, int limit, String limitSetting) {
        this.channel = channel;
        this.writer = new Outgoing(channel);
        this.gathered = new WriteGatherer(channel.alloc());
        Incoming incoming = newReader(limit, limitSetting);
        this.reader = incoming;
        this.inbound = incoming;
    }

    private Incoming newReader(int limit, String limitSetting) {
        ReaderSource source = new ReaderSource(writer, limitSetting);
        return new Incoming(channel.eventLoop(), channel.alloc(), limit, this, source);
    }

    /** Creates a handler for a protocol. */
    StreamHandler(Channel channel, StreamTransport transport, Function<StreamHandler, ProtocolCalls> calls) {
        this.channel = channel;
        this.writer = new Outgoing(channel);
        this.gathered = new WriteGatherer(channel.alloc());
        this.transport = transport;
        this.inbound = calls.apply(this);
    }

    Inbound inbound() {
        return inbound;
    }

    Incoming reader() {
        return Objects.requireNonNull(reader, "of a protocol");
    }

    /** Like {@link #reader()}, creating the reader if there is none. */
    synchronized Incoming reader(int limit, String limitSetting) {
        Incoming incoming = reader;
        if (incoming == null) {
            incoming = newReader(limit, limitSetting);
            reader = incoming;
        }
        return incoming;
    }

    /** Returns the error of the read side, with which a drain fails as well. */
    @Nullable Throwable readError() {
        Incoming incoming = reader;
        return incoming == null ? null : incoming.exception();
    }

    /**
     * Returns the transport, creating it if there is none; from then on the reader gets its events through the
     * transport.
     *
     * @throws UnsupportedOperationException if the loop is not one of ours
     */
    synchronized StreamTransport transport() {
        StreamTransport transport = this.transport;
        if (transport == null) {
            EventLoop loop = this.loop;
            if (loop == null) {
                throw new UnsupportedOperationException(
                        this + " runs on a loop of " + channel.eventLoop().parent()
                                + " and not on an EventLoop, which a transport needs: give its client or server"
                                + " runOn(Streams.loopResources(loop))");
            }
            transport = StreamTransport.of(connection(), loop);
            this.transport = transport;
            ProtocolCalls calls = transport.calls();
            writer.onLoopIfOpen(() -> {
                calls.takeOver(reader());
                inbound = calls;
            });
        }
        return transport;
    }

    boolean isLost() {
        return lost;
    }

    Outgoing writer() {
        return writer;
    }

    synchronized StreamConnection connection() {
        StreamConnection connection = this.connection.get();
        if (connection == null) {
            connection = new StreamConnection(this);
            this.connection = new WeakReference<>(connection);
        }
        return connection;
    }

    // ---- events

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        this.context = context;
        EventLoop running = EventLoop.runningOrNull();
        loop = running != null && running.netty() == channel.eventLoop() ? running : null;
        if (!channel.isActive()) {
            connectionLost(); // it was closed before: channelInactive has already been fired
            return;
        }
        countAsConnection(true);
        SslHandler existing = channel.pipeline().get(SslHandler.class);
        if (existing != null) {
            tls = TlsLayer.of(this, channel, existing);
        }
        if (channel instanceof DuplexChannel) {
            channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        }
        inbound.attached();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        flushIfDirty(); // Reactor Netty removes the handler before it closes the channel
        connectionLost();
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        reading = true;
        if (message instanceof ByteBuf bytes) {
            if (tls != null && writer.closeRequested()) {
                bytes.release(); // reading continues only for the peer's close_notify
            } else {
                inbound.feed(bytes);
            }
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext context) {
        reading = false;
        flushIfDirty();
        context.fireChannelReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext context) {
        if (hasRoom()) {
            roomAgain();
        }
        context.fireChannelWritabilityChanged();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        TlsLayer tls = this.tls;
        if (event instanceof ChannelInputShutdownEvent) {
            if (tls == null) {
                inbound.feedEof();
            } else {
                tls.inputShutdown();
            }
        } else if (event instanceof SslCloseCompletionEvent && tls != null) {
            tls.ended();
        }
        context.fireUserEventTriggered(event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        connectionLost();
        context.fireChannelInactive();
    }

    /**
     * Ends the connection; reader and writer are told when the channel is inactive. Failed writes come here too, on the
     * stack of the write or flush, where no waiter may be resumed.
     */
    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable caught) {
        failed(caught);
    }

    private void failed(Throwable caught) {
        if (lost || writer.failure() != null || caught instanceof ClosedChannelException) {
            return;
        }
        Throwable cause = PeerErrors.translated(caught, writer);
        writer.fail(cause);
        try {
            if (!(cause instanceof IOException)) {
                Log.error("Fatal error on " + writer + ", which is closed", cause);
            }
        } finally {
            closeAtOnce();
        }
    }

    /** Counts it in the statistics of its loop, or no longer. */
    private void countAsConnection(boolean open) {
        EventLoop loop = this.loop;
        if (loop != null && counted != open && !(channel instanceof PipeEnd)) {
            counted = open;
            Activities.connection(loop, open);
        }
    }

    /** Ends an activity when the connection is gone. */
    void endsWith(Activity activity) {
        writer.closed().addDoneCallback(gone -> Activities.end(activity, writer.failure()));
    }

    private void connectionLost() {
        if (lost) {
            return;
        }
        lost = true;
        countAsConnection(false);
        gathered.discard();
        dirty = false;
        Throwable failure = writer.failure();
        TlsLayer tls = this.tls;
        // the reader first: off our loops, a waiter in waitClosed() resumes at once on another thread
        try {
            if (failure != null) {
                inbound.fail(failure);
            }
        } finally { // even if a subscriber throws, the others are told
            try {
                inbound.connectionLost();
            } finally {
                try {
                    if (tls != null) {
                        tls.connectionLost();
                    }
                } finally {
                    writer.connectionLost();
                }
            }
        }
    }

    // ---- requests of the reader

    @Override
    public void pauseReading() {
        if (inbound instanceof ProtocolCalls calls) {
            calls.pauseReading();
        } else {
            read(false);
        }
    }

    @Override
    public void resumeReading() {
        if (inbound instanceof ProtocolCalls calls) {
            calls.resumeReading();
        } else {
            read(true);
        }
    }

    /** Starts reading, unless the connection is closing, or stops it. */
    void read(boolean wanted) {
        if (!wanted || !writer.closeRequested()) {
            channel.config().setAutoRead(wanted);
        }
    }

    // ---- requests of the writer

    /** Tells the reader of a write, after which it no longer counts as in the middle of a request. */
    private void answered() {
        Incoming incoming = reader;
        if (incoming != null) {
            incoming.answered();
        }
    }

    /** Copies bytes; small arrays of one tick share one buffer, which costs less than a buffer for each. */
    void writeCopy(byte[] bytes) {
        answered();
        if (gathered.add(bytes)) {
            return;
        }
        writeGathered();
        if (!dirty || !gathered.begin(bytes)) {
            passOn(channel.alloc().ioBuffer(bytes.length).writeBytes(bytes));
        }
    }

    /** Writes a buffer; adjacent pieces of one buffer that are written in one tick are sent as one. */
    void write(ByteBuf bytes) {
        answered();
        if (gathered.add(bytes)) {
            return;
        }
        writeGatheredBefore(bytes);
        if (!dirty || !gathered.begin(bytes)) {
            passOn(bytes);
        }
    }

    /** Like {@link #write}, for a caller that has already returned: a failed write would leave a gap in the stream. */
    void writeLater(ByteBuf bytes) {
        try {
            write(bytes);
            inbound.wrote();
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void writeGatheredBefore(ReferenceCounted next) {
        try {
            writeGathered();
        } catch (Throwable e) {
            next.release();
            throw e;
        }
    }

    /** Must be called before anything else is written, flushed or measured. */
    private void writeGathered() {
        ByteBuf bytes = gathered.take();
        if (bytes != null) {
            passOn(bytes);
        }
    }

    private void passOn(ByteBuf bytes) {
        ChannelHandlerContext context = this.context;
        if (lost || context == null || !channel.isActive()) {
            bytes.release();
            return;
        }
        unflushed += bytes.readableBytes();
        if (tls == null) {
            context.write(bytes, context.voidPromise());
        } else { // its queue does not report failures of void promises
            context.write(bytes).addListener(written -> {
                if (!written.isSuccess()) {
                    exceptionCaught(context, written.cause());
                }
            });
        }
        if (!channel.isWritable()) {
            flush();
        } else if (!dirty) {
            if (!reading) {
                channel.eventLoop().execute(this::flushIfDirty);
            }
            dirty = true; // only now, when a flush is certain
        }
    }

    void flush() {
        writeGathered();
        dirty = false;
        unflushed = 0;
        if (context != null) {
            context.flush();
        }
    }

    private void flushIfDirty() {
        if (dirty) {
            flush();
        }
    }

    /**
     * Returns whether there is room in the write buffer. True after the end has been sent as well, when Netty has no
     * buffer and reports not being writable.
     */
    boolean hasRoom() {
        int size = gathered.size();
        if (size > 0 && size >= channel.bytesBeforeUnwritable()) {
            writeGathered();
        }
        return channel.isWritable() || channel.isActive() && channel.unsafe().outboundBuffer() == null;
    }

    /** Returns the number of bytes written and not sent. */
    long size() {
        return gathered.size() + unflushed + UnsentBytes.size(writer);
    }

    /**
     * Makes Netty compare the buffered bytes with changed limits, which it only does on a write. Writes an empty buffer
     * next to the socket, since TLS does not count one.
     */
    void compareWithLimits() {
        if (channel.isActive() && channel.unsafe().outboundBuffer() != null) {
            writeGathered();
            // a new promise: after the end of the stream it fails, which must not be reported
            channel.unsafe().write(Unpooled.EMPTY_BUFFER, channel.newPromise());
            flush();
        }
    }

    private void roomAgain() {
        writer.releaseDrainers();
        inbound.writable();
    }

    /** Returns the number of bytes that can be written until there is no more room. */
    long room() {
        return channel.bytesBeforeUnwritable() - gathered.size();
    }

    boolean canHalfClose() {
        return channel instanceof DuplexChannel && tls == null;
    }

    void writeEof() {
        try {
            if (context != null && channel.isActive()) {
                flushed().addListener(sent -> {
                    ((DuplexChannel) channel).shutdownOutput();
                    roomAgain(); // writability will not change any more
                });
            }
        } catch (Throwable e) { // it will not be requested again
            failed(e);
        }
    }

    void close() {
        inbound.closed();
        try {
            closeWhenSent();
        } catch (Throwable e) { // it will not be requested again
            failed(e);
        }
    }

    private void closeWhenSent() {
        writeGathered();
        channel.config().setAutoRead(false);
        if (context == null || !channel.isActive()) {
            channel.close();
        } else if (tls != null) {
            tls.close();
        } else {
            sendBeforeClose().addListener(ChannelFutureListener.CLOSE);
        }
    }

    /**
     * Like {@link #flushed}; if that does not complete at once, the end of the program waits until the connection is
     * closed.
     */
    ChannelFuture sendBeforeClose() {
        ChannelFuture sent = flushed();
        if (!sent.isDone()) {
            UnsentBytes.await(this);
            sent.addListener(done -> {
                if (done.isSuccess()) {
                    inbound.writable(); // a protocol is told before the end
                }
            });
        }
        return sent;
    }

    /** Flushes; done when everything written has been sent, on an active channel. */
    ChannelFuture flushed() {
        writeGathered();
        dirty = false;
        unflushed = 0;
        return Objects.requireNonNull(context).writeAndFlush(Unpooled.EMPTY_BUFFER);
    }

    /** Like {@link #flushed}; fails if the connection is closing or gone. */
    ChannelFuture whenSent() {
        return isUsable() ? flushed() : channel.newFailedFuture(writer.lossError());
    }

    /** Returns whether the transport can copy from files directly, which TLS prevents. */
    boolean sendsRegions() {
        return (channel instanceof SocketChannel || channel instanceof DomainSocketChannel)
                && channel.pipeline().get(SslHandler.class) == null;
    }

    ChannelFuture send(FileRegion region) {
        if (!isUsable()) {
            region.release();
            return channel.newFailedFuture(writer.lossError());
        }
        answered();
        writeGatheredBefore(region);
        dirty = false;
        unflushed = 0;
        ChannelHandlerContext context = Objects.requireNonNull(this.context);
        return context.writeAndFlush(region).addListener(sent -> {
            if (!sent.isSuccess()) {
                exceptionCaught(context, sent.cause());
            }
        });
    }

    private boolean isUsable() {
        return context != null && !writer.isClosing() && channel.isActive();
    }

    /** From any thread. */
    void requestClose() {
        if (writer.requestClose()) {
            writer.onLoopIfOpen(this::close);
        }
    }

    /** From any thread. */
    void requestAbort() {
        writer.requestClose();
        writer.onLoopIfOpen(this::abort);
    }

    /** Aborts the connection; reader and writer fail with the reason. */
    void abort(Throwable reason) {
        writer.fail(reason);
        abort();
    }

    void abort() {
        inbound.closed();
        if (!channel.isOpen()) {
            return; // its descriptor may be reused by now
        }
        gathered.discard();
        dirty = false;
        try {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        } finally {
            closeAtOnce();
        }
    }

    private void closeAtOnce() {
        if (tls == null) {
            channel.close();
        } else {
            channel.unsafe().close(channel.newPromise()); // bypasses TLS, which would wait for the peer's close_notify
        }
    }

    // ---- TLS and limits

    @Nullable TlsLayer tls() {
        return tls;
    }

    /**
     * Starts TLS.
     *
     * @param host the peer's name, used if the options have none
     */
    Future<Void> startTls(TlsOptions options, boolean server, @Nullable String host, int port) {
        ChannelHandlerContext context = this.context;
        writer.checkNoFile("startTls");
        if (lost || context == null || writer.isClosing()) {
            return channel.eventLoop().newFailedFuture(writer.lossError());
        }
        TlsLayer outer = tls;
        if (outer != null && !outer.established().isDone()) {
            throw new IllegalStateException("startTls() called while a TLS handshake is under way on " + writer);
        }
        if (inbound.ended()) {
            writer.fail(new ConnectionResetException(
                    "Cannot start TLS on " + writer + ": its peer has ended the stream and will not answer"));
            closeAtOnce();
            return channel.eventLoop().newFailedFuture(writer.lossError());
        }
        TlsLayer inner = new TlsLayer(this, channel, options);
        byte[] early = inbound.takeForTls(server);
        ChannelHandler layer;
        try {
            layer = inner.newHandler(server, host, port);
        } catch (Throwable e) {
            inbound.returnFromTls(early);
            throw e;
        }
        flush();
        tls = inner;
        inner.install(layer, context, early);
        channel.config().setAutoRead(true);
        return inner.established();
    }

    /** Applies the time limits of the options, next to the socket, below TLS. */
    void limit(StreamOptions options) {
        Duration idleTimeout = options.idleTimeout;
        if (idleTimeout != null) {
            channel.pipeline()
                    .addFirst(
                            new IdleStateHandler(true, 0, 0, OptionChecks.millis(idleTimeout), TimeUnit.MILLISECONDS) {
                                @Override
                                protected void channelIdle(ChannelHandlerContext context, IdleStateEvent event) {
                                    abort(new SocketTimeoutException("Nothing was received and nothing sent on "
                                            + writer + " for " + idleTimeout + " (idleTimeout): it is aborted"));
                                }
                            });
        }
        Duration writeTimeout = options.writeTimeout;
        if (writeTimeout != null) {
            channel.pipeline().addFirst(new WriteTimeout(this, writeTimeout));
        }
    }

    /**
     * Flushes before the channel is closed from outside, as Reactor Netty does when a handler's publisher completes.
     */
    @Override
    public void close(ChannelHandlerContext context, ChannelPromise promise) {
        flushIfDirty();
        context.close(promise);
    }

    /** {@code <StreamConnection /127.0.0.1:50000 -> /127.0.0.1:80 open>}. */
    @Override
    public String toString() {
        return reader == null ? writer.toString() : writer.text("StreamConnection");
    }
}
