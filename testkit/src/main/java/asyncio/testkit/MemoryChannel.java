package asyncio.testkit;

import asyncio.streams.BrokenPipeException;
import asyncio.streams.ConnectionResetException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.net.SocketAddress;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One end of a connection in memory, as a channel that is connected from the start and behaves like a TCP socket.
 * Closing it with unread bytes, or with {@code SO_LINGER} 0, resets the connection, as does writing to a closed end.
 */
final class MemoryChannel extends AbstractChannel implements DuplexChannel {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false);

    /** Whether it closes when one direction ends, and reports a reset as a broken pipe. */
    private final boolean pipe;

    private final SocketAddress localAddress;
    private final SocketAddress remoteAddress;
    private final Config config = new Config();
    private @Nullable Transit incoming;
    private @Nullable Transit outgoing;

    private volatile boolean open = true;
    private volatile boolean inputShutdown;
    private volatile boolean outputShutdown;
    /** Also cleared, on any thread, when reading is turned off. */
    private volatile boolean readPending;

    /**
     * @param accepted the channel from which this was accepted, or null for the connecting end: TLS distinguishes
     *     client and server by that
     */
    MemoryChannel(
            @Nullable MemoryChannel accepted, boolean pipe, SocketAddress localAddress, SocketAddress remoteAddress) {
        super(accepted);
        this.pipe = pipe;
        this.localAddress = localAddress;
        this.remoteAddress = remoteAddress;
    }

    /** Sets the transits; call it once, before the channel is registered. */
    void connect(Transit incoming, Transit outgoing) {
        this.incoming = incoming;
        this.outgoing = outgoing;
    }

    Transit incoming() {
        return Objects.requireNonNull(incoming);
    }

    Transit outgoing() {
        return Objects.requireNonNull(outgoing);
    }

    // ---- receiving, in steps of the loop

    boolean wantsToRead() {
        return readPending;
    }

    void receive(byte[] piece) {
        readPending = false;
        ByteBuf buffer = config.getAllocator().ioBuffer(piece.length).writeBytes(piece);
        pipeline().fireChannelRead(buffer);
        pipeline().fireChannelReadComplete(); // continues to read if auto-read is on
    }

    void receiveEnd() {
        inputShutdown = true;
        readPending = false;
        if (config.halfClosure) {
            pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        }
        if (pipe || !config.halfClosure) {
            unsafe().close(voidPromise());
        }
    }

    void receiveReset() {
        pipeline()
                .fireExceptionCaught(
                        pipe
                                ? new BrokenPipeException("Broken pipe: " + remoteAddress + " is closed")
                                : new ConnectionResetException("Connection reset"));
        unsafe().close(voidPromise());
    }

    /**
     * Closes it after the reader has received the bytes the other end had sent, like a pipe to a child that has ended.
     */
    void readRest() {
        if (open) {
            incoming().deliverRest();
            unsafe().close(voidPromise());
        }
    }

    void resumeWriting() {
        ((MemoryUnsafe) unsafe()).resumeWriting();
    }

    // ---- called by Netty

    @Override
    protected void doBeginRead() {
        if (!inputShutdown) {
            readPending = true;
            incoming().scheduleDelivery();
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer out) {
        outgoing().send(out);
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        if (message instanceof ByteBuf) {
            return message;
        }
        throw new UnsupportedOperationException("A connection in memory takes ByteBufs, not " + message);
    }

    @Override
    protected void doShutdownOutput() {
        outputShutdown = true;
        outgoing().end();
    }

    @Override
    protected void doClose() {
        if (!open) {
            return;
        }
        open = false;
        boolean unread = incoming().discard();
        if (unread || config.linger == 0) {
            outgoing().reset();
        } else if (!outputShutdown) {
            outgoing().end();
        }
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    @Override
    protected void doBind(SocketAddress address) {
        throw new UnsupportedOperationException("A connection in memory cannot be bound to " + address);
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return true; // it needs no IO
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new MemoryUnsafe();
    }

    private final class MemoryUnsafe extends AbstractUnsafe {
        @Override
        public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
            promise.setFailure(new UnsupportedOperationException("A connection in memory is already connected"));
        }

        void resumeWriting() {
            flush0();
        }
    }

    // ---- properties

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    @Override
    protected SocketAddress localAddress0() {
        return localAddress;
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return remoteAddress;
    }

    @Override
    public boolean isInputShutdown() {
        return inputShutdown || !open;
    }

    @Override
    public boolean isOutputShutdown() {
        return outputShutdown || !open;
    }

    @Override
    public boolean isShutdown() {
        return isInputShutdown() && isOutputShutdown();
    }

    @Override
    public ChannelFuture shutdownInput() {
        return shutdownInput(newPromise());
    }

    @Override
    public ChannelFuture shutdownInput(ChannelPromise promise) {
        onLoop(() -> {
            inputShutdown = true;
            incoming().scheduleDelivery();
            promise.setSuccess();
        });
        return promise;
    }

    @Override
    public ChannelFuture shutdownOutput() {
        return shutdownOutput(newPromise());
    }

    @Override
    public ChannelFuture shutdownOutput(ChannelPromise promise) {
        onLoop(() -> ((AbstractUnsafe) unsafe()).shutdownOutput(promise));
        return promise;
    }

    @Override
    public ChannelFuture shutdown() {
        return shutdown(newPromise());
    }

    @Override
    public ChannelFuture shutdown(ChannelPromise promise) {
        shutdownInput();
        return shutdownOutput(promise);
    }

    private void onLoop(Runnable step) {
        if (eventLoop().inEventLoop()) {
            step.run();
        } else {
            eventLoop().execute(step);
        }
    }

    /** The socket options that a reader and a writer use. It reads only on request. */
    private final class Config extends DefaultChannelConfig {
        private boolean halfClosure;
        private int linger = -1;

        Config() {
            super(MemoryChannel.this);
            setAutoRead(false);
        }

        @Override
        protected void autoReadCleared() {
            readPending = false;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> T getOption(ChannelOption<T> option) {
            if (option.equals(ChannelOption.ALLOW_HALF_CLOSURE)) {
                return (T) (Boolean) halfClosure;
            }
            return option.equals(ChannelOption.SO_LINGER) ? (T) (Integer) linger : super.getOption(option);
        }

        @Override
        public <T> boolean setOption(ChannelOption<T> option, T value) {
            if (option.equals(ChannelOption.ALLOW_HALF_CLOSURE)) {
                halfClosure = (Boolean) value;
            } else if (option.equals(ChannelOption.SO_LINGER)) {
                linger = (Integer) value;
            } else {
                return super.setOption(option, value);
            }
            return true;
        }
    }
}
