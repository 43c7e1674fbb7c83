package asyncio.streams.internal;

import asyncio.EventLoop;
import asyncio.streams.BrokenPipeException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.AbstractChannel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;

/**
 * This process's end of a pipe, as a Netty channel, on which the reader and the writer of {@code streams} are built. It
 * has one direction: closing that closes the channel.
 */
public abstract class PipeEnd extends AbstractChannel implements DuplexChannel {
    /** The largest size of a pipe, in bytes, that Linux allows without special rights. */
    static final int LARGEST_PIPE = 1 << 20;

    private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

    /** Shown in messages: {@code <StreamWriter pipe -> stdin of cat, pid 42 open>}. */
    private static final class Name extends SocketAddress {
        private static final long serialVersionUID = 1L;
        private final String name;

        Name(String name) {
            this.name = name;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static final Name HERE = new Name("pipe");

    final boolean readable;
    private final Name name;
    private final DefaultChannelConfig config = new Config();
    private volatile boolean open = true;

    /** @param name the name of the other end: {@code stdin of cat, pid 42} */
    PipeEnd(String name, boolean readable) {
        super(null);
        this.name = new Name(name);
        this.readable = readable;
        config.setAutoRead(false); // until there is a reader
    }

    /** Stops reading until the next request; on the loop. */
    abstract void stopReading();

    /** Reads the bytes that the other end has written so far, then closes this; on the loop. */
    abstract void readRest();

    /** Returns whether it is the end that is read. */
    public final boolean reads() {
        return readable;
    }

    /** Returns the pipe as its owner knows it: a channel, the number of a descriptor, or a stream. */
    public abstract Object pipe();

    /** Returns whether a loop uses epoll, so that an {@link EpollPipe} can be registered with it. */
    public static boolean hasEpoll(EventLoop loop) {
        try {
            return loop.netty().isCompatible(EpollIoHandle.class);
        } catch (NoClassDefFoundError e) {
            return false; // without Netty's epoll on the class path
        }
    }

    /** Releases the descriptor. */
    abstract void release() throws Exception;

    private final class Config extends DefaultChannelConfig {
        Config() {
            super(PipeEnd.this);
        }

        @Override
        protected void autoReadCleared() {
            if (!isRegistered() || eventLoop().inEventLoop()) {
                stopReading();
            } else {
                eventLoop().execute(() -> {
                    if (!isAutoRead()) {
                        stopReading();
                    }
                });
            }
        }
    }

    /** Closes it; from any thread. Bytes that the other end has already written can still be read. */
    public final void finish() {
        try {
            if (!readable) {
                close();
            } else if (eventLoop().inEventLoop()) {
                readRest();
            } else {
                eventLoop().execute(this::readRest);
            }
        } catch (RejectedExecutionException e) {
            // the loop is closed, and this with it
        }
    }

    // ---- events of both kinds, on the loop

    /** All bytes have been read. */
    final void inputEnded() {
        pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        unsafe().close(voidPromise());
    }

    final BrokenPipeException brokenPipe() {
        return new BrokenPipeException("Broken pipe: " + name + " was closed by its reader, or the reader has ended");
    }

    /** Ends the output: its reader is gone. As in asyncio this is an error only if bytes are lost. */
    final void outputRefused() {
        ChannelOutboundBuffer unwritten = unsafe().outboundBuffer();
        if (unwritten != null && !unwritten.isEmpty()) {
            pipeline().fireExceptionCaught(brokenPipe());
        }
        unsafe().close(voidPromise());
    }

    abstract class PipeUnsafe extends AbstractUnsafe {
        @Override
        public void connect(SocketAddress remote, SocketAddress local, ChannelPromise promise) {
            promise.setFailure(new UnsupportedOperationException("a pipe is connected"));
        }
    }

    // ---- Netty's side

    @Override
    protected final void doClose() throws Exception {
        if (open) {
            open = false;
            release();
        }
    }

    @Override
    protected final void doDisconnect() throws Exception {
        doClose();
    }

    @Override
    protected final void doShutdownOutput() throws Exception {
        doClose();
    }

    @Override
    protected final void doBind(SocketAddress address) {
        throw new UnsupportedOperationException("a pipe is connected");
    }

    @Override
    protected final Object filterOutboundMessage(Object message) {
        if (!readable && message instanceof ByteBuf bytes) {
            return toBeWritten(bytes);
        }
        throw new UnsupportedOperationException(message.getClass().getSimpleName() + " cannot be written to " + name);
    }

    /** Returns the bytes in a buffer of a kind that can be written; releases the original if it is another one. */
    abstract ByteBuf toBeWritten(ByteBuf bytes);

    @Override
    protected final SocketAddress localAddress0() {
        return HERE;
    }

    @Override
    protected final SocketAddress remoteAddress0() {
        return name;
    }

    @Override
    public final ChannelConfig config() {
        return config;
    }

    @Override
    public final boolean isOpen() {
        return open;
    }

    @Override
    public final boolean isActive() {
        return open;
    }

    @Override
    public final ChannelMetadata metadata() {
        return METADATA;
    }

    // ---- half of a pipe is a pipe

    @Override
    public final boolean isInputShutdown() {
        return !readable || !open;
    }

    @Override
    public final ChannelFuture shutdownInput() {
        return shutdownInput(newPromise());
    }

    @Override
    public final ChannelFuture shutdownInput(ChannelPromise promise) {
        return readable ? close(promise) : promise.setSuccess();
    }

    @Override
    public final boolean isOutputShutdown() {
        return readable || !open;
    }

    @Override
    public final ChannelFuture shutdownOutput() {
        return shutdownOutput(newPromise());
    }

    @Override
    public final ChannelFuture shutdownOutput(ChannelPromise promise) {
        return readable ? promise.setSuccess() : close(promise);
    }

    @Override
    public final boolean isShutdown() {
        return !open;
    }

    @Override
    public final ChannelFuture shutdown() {
        return close();
    }

    @Override
    public final ChannelFuture shutdown(ChannelPromise promise) {
        return close(promise);
    }
}
