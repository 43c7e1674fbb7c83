package asyncio.subprocess;

import asyncio.EventLoop;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * An end of a pipe where there is no epoll: each read and each write is a job in a {@link Workers thread}, of which one
 * is under way at a time. Reading ahead goes no further than that one read. State belongs to the loop.
 *
 * <p>A read or write that is under way cannot be stopped: after the channel was closed, its thread waits on until the
 * child, or who has inherited the pipe from it, writes, reads or ends. Only then is the stream closed, so that no
 * descriptor is used that is another's by now.
 */
final class PumpPipe extends PipeEnd {
    private static final int CHUNK = 64 * 1024;

    private final EventLoop loop;
    private final @Nullable InputStream input;
    private final @Nullable OutputStream output;
    private boolean busy;
    /** While that is so: nobody else knows of bytes on their way. */
    private Disposable hold = Disposables.disposed();

    private boolean readWanted;
    private @Nullable Disposable withLoop;

    PumpPipe(EventLoop loop, InputStream input, String name) {
        super(name, true);
        this.loop = loop;
        this.input = input;
        this.output = null;
    }

    PumpPipe(EventLoop loop, OutputStream output, String name) {
        super(name, false);
        this.loop = loop;
        this.input = null;
        this.output = output;
    }

    /** What a job has to tell, or {@code unheard} if the loop is closed. */
    private void tell(Runnable news, Runnable unheard) {
        try {
            eventLoop().execute(news);
        } catch (RejectedExecutionException e) {
            unheard.run();
        }
    }

    /** Begins a job, or undoes it if there is no thread for it. */
    private void begin(Runnable job, Runnable undo) {
        busy = true;
        hold = loop.holdTime(this, null);
        try {
            Workers.POOL.execute(job);
        } catch (RuntimeException | Error e) {
            done();
            undo.run();
            throw e;
        }
    }

    private void done() {
        busy = false;
        hold.dispose();
    }

    // ---- reading

    @Override
    protected void doBeginRead() {
        InputStream input = this.input;
        if (input != null) {
            readWanted = true;
            if (!busy) {
                ByteBuf chunk = alloc().heapBuffer(CHUNK);
                begin(() -> read(input, chunk), chunk::release);
            }
        }
    }

    @Override
    void stopReading() {
        readWanted = false;
    }

    /** In a thread. */
    private void read(InputStream input, ByteBuf chunk) {
        int n = -1;
        Throwable failure = null;
        try {
            n = input.read(chunk.array(), chunk.arrayOffset(), CHUNK);
        } catch (IOException | RuntimeException | Error e) { // the reader hears of it, whatever it is
            failure = e;
        }
        int count = n;
        Throwable error = failure;
        tell(() -> wasRead(chunk, count, error), () -> {
            chunk.release();
            close(input);
        });
    }

    private void wasRead(ByteBuf chunk, int n, @Nullable Throwable error) {
        done();
        if (!isOpen() || n < 0) {
            chunk.release();
            if (isOpen() && error != null) {
                pipeline().fireExceptionCaught(error);
                unsafe().close(voidPromise());
            } else if (isOpen()) {
                inputEnded();
            } else {
                closeStreams();
            }
            return;
        }
        boolean wasWanted = readWanted;
        readWanted = false;
        pipeline().fireChannelRead(chunk.writerIndex(n));
        pipeline().fireChannelReadComplete();
        if (!wasWanted && readWanted && !busy) {
            doBeginRead(); // asked for again while this was under way
        }
    }

    // ---- writing

    @Override
    protected void doWrite(ChannelOutboundBuffer unwritten) {
        OutputStream output = this.output;
        if (busy || unwritten.isEmpty() || output == null) {
            return;
        }
        byte[] bytes = new byte[(int) Math.min(CHUNK, unwritten.totalPendingWriteBytes())];
        int[] n = {0};
        try {
            unwritten.forEachFlushedMessage(message -> {
                ByteBuf next = (ByteBuf) message;
                int taken = Math.min(next.readableBytes(), bytes.length - n[0]);
                next.getBytes(next.readerIndex(), bytes, n[0], taken);
                n[0] += taken;
                return n[0] < bytes.length;
            });
        } catch (Exception e) {
            throw new IllegalStateException(e); // the lambda throws none
        }
        if (n[0] == 0) {
            unwritten.removeBytes(0);
            return;
        }
        begin(() -> write(output, bytes, n[0]), () -> {});
    }

    /** In a thread. */
    private void write(OutputStream output, byte[] bytes, int n) {
        Throwable failure = null;
        try {
            output.write(bytes, 0, n);
            output.flush();
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
        }
        Throwable error = failure;
        tell(() -> wasWritten(n, error), () -> close(output));
    }

    private void wasWritten(int n, @Nullable Throwable error) {
        done();
        OutputStream output = this.output;
        ChannelOutboundBuffer unwritten = unsafe().outboundBuffer();
        if (!isOpen() || output == null || unwritten == null) {
            closeStreams();
        } else if (error != null) {
            outputRefused(); // the JDK says "Broken pipe", or "Stream closed" if the child has ended
        } else {
            unwritten.removeBytes(n);
            ((Unsafe) unsafe()).resume();
        }
    }

    @Override
    ByteBuf toBeWritten(ByteBuf bytes) {
        return bytes;
    }

    private final class Unsafe extends PipeUnsafe {
        @Override
        protected void flush0() {
            if (!busy) {
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
    protected boolean isCompatible(io.netty.channel.EventLoop loop) {
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
    void release() {
        if (withLoop != null) {
            withLoop.dispose();
        }
        hold.dispose(); // what is under way is for nobody
        if (!busy) {
            closeStreams();
        }
    }

    /** In a thread, since closing may block. */
    private void closeStreams() {
        Closeable stream = input != null ? input : output;
        if (stream != null) {
            Workers.POOL.execute(() -> close(stream));
        }
    }

    private static void close(Closeable stream) {
        try {
            stream.close();
        } catch (IOException e) {
            // the other end is gone: so is the descriptor
        }
    }
}
