package asyncio.streams.internal;

import asyncio.EventLoop;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.SelectableChannel;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/** An end of a {@link Pipe} of {@code java.nio}, on every kind of loop, by {@link EventLoop#addReader}. On the loop. */
public final class ChannelPipe extends PipeEnd {
    private static final int CHUNK = 64 * 1024;
    /** So many reads are done at a time, before others have their turn. */
    private static final int READS = 16;

    private final EventLoop loop;
    private final SelectableChannel channel;
    private final Pipe.@Nullable SourceChannel source;
    private final Pipe.@Nullable SinkChannel sink;
    private boolean watched;
    private boolean readPending;
    private @Nullable Disposable withLoop;

    private ChannelPipe(
            EventLoop loop,
            SelectableChannel channel,
            Pipe.@Nullable SourceChannel source,
            Pipe.@Nullable SinkChannel sink) {
        super("pipe " + Integer.toHexString(System.identityHashCode(channel)), source != null);
        this.loop = loop;
        this.channel = channel;
        this.source = source;
        this.sink = sink;
    }

    /** The end that reads; to be registered with the loop. The channel does not block from here on. */
    public static ChannelPipe of(EventLoop loop, Pipe.SourceChannel source) throws IOException {
        source.configureBlocking(false);
        return new ChannelPipe(loop, source, source, null);
    }

    /** The end that writes; to be registered with the loop. The channel does not block from here on. */
    public static ChannelPipe of(EventLoop loop, Pipe.SinkChannel sink) throws IOException {
        sink.configureBlocking(false);
        return new ChannelPipe(loop, sink, null, sink);
    }

    @Override
    public Object pipe() {
        return channel;
    }

    private void watch(boolean wanted) {
        if (watched == wanted) {
            return;
        }
        watched = wanted;
        if (!wanted) {
            unwatch();
        } else if (readable) {
            loop.addReader(channel, this::ready);
        } else {
            loop.addWriter(channel, this::ready);
        }
    }

    private void unwatch() {
        if (readable) {
            loop.removeReader(channel);
        } else {
            loop.removeWriter(channel);
        }
    }

    private void ready() {
        if (!isOpen()) {
            return;
        }
        if (!readable) {
            ((Unsafe) unsafe()).resume();
        } else if (readPending) {
            read(READS);
        }
    }

    // ---- reading

    @Override
    protected void doBeginRead() {
        if (readable) {
            readPending = true;
            watch(true);
        }
    }

    @Override
    void stopReading() {
        readPending = false;
        if (readable) {
            watch(false);
        }
    }

    @Override
    void readRest() {
        if (isOpen()) {
            read(LARGEST_PIPE / CHUNK);
            unsafe().close(voidPromise());
        }
    }

    private void read(int most) {
        Pipe.SourceChannel source = this.source;
        if (source == null) {
            return;
        }
        readPending = false;
        int n = 0;
        Throwable failure = null;
        for (int i = 0; i < most && isOpen(); i++) {
            ByteBuf bytes = alloc().ioBuffer(CHUNK);
            n = 0;
            try {
                n = bytes.writeBytes(source, CHUNK);
            } catch (IOException e) {
                failure = e;
            }
            if (n <= 0) {
                bytes.release();
                break;
            }
            pipeline().fireChannelRead(bytes);
            if (n < CHUNK) {
                break;
            }
        }
        pipeline().fireChannelReadComplete();
        if (failure != null) {
            pipeline().fireExceptionCaught(failure);
            unsafe().close(voidPromise());
        } else if (n < 0) {
            inputEnded();
        } else if (!readPending && isOpen()) {
            watch(false);
        }
    }

    // ---- writing

    @Override
    protected void doWrite(ChannelOutboundBuffer unwritten) throws IOException {
        Pipe.SinkChannel sink = this.sink;
        for (int spins = config().getWriteSpinCount(); sink != null && !unwritten.isEmpty(); spins--) {
            ByteBuffer[] buffers = unwritten.nioBuffers(64, CHUNK);
            int count = unwritten.nioBufferCount();
            long written = 0;
            if (count > 0 && spins > 0) {
                try {
                    written = sink.write(buffers, 0, count);
                } catch (IOException e) {
                    throw String.valueOf(e.getMessage()).contains("Broken pipe") ? brokenPipe() : e;
                }
            }
            if (count > 0 && written <= 0) {
                watch(true);
                return;
            }
            unwritten.removeBytes(written); // also buffers without bytes
        }
        watch(false);
    }

    @Override
    ByteBuf toBeWritten(ByteBuf bytes) {
        return bytes;
    }

    private final class Unsafe extends PipeUnsafe {
        /** Until the pipe takes more there is no use in trying. */
        @Override
        protected void flush0() {
            if (readable || !watched) {
                super.flush0();
            }
        }

        void resume() {
            super.flush0();
        }
    }

    // ---- what Netty asks

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new Unsafe();
    }

    @Override
    protected boolean isCompatible(io.netty.channel.EventLoop netty) {
        return true;
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        if (eventLoop().isShuttingDown()) {
            promise.setFailure(new RejectedExecutionException("The event loop is being closed"));
            return;
        }
        withLoop = loop.onClose(() -> unsafe().close(voidPromise()));
        promise.setSuccess();
    }

    @Override
    void release() throws IOException {
        if (withLoop != null) {
            withLoop.dispose();
        }
        watched = false;
        channel.close();
        unwatch(); // after the close, so that the descriptor goes at once
    }
}
