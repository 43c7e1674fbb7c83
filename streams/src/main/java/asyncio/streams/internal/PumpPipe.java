package asyncio.streams.internal;

import asyncio.Closings;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Log;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.scheduler.Schedulers;

/**
 * An end of a pipe where there is no epoll: each read and each write is a job on a {@link PipeThreads thread}, one at a
 * time. At most that one read is done ahead. State belongs to the loop.
 *
 * <p>A running read or write cannot be stopped: after the channel was closed, its thread keeps waiting until the other
 * end, or a process that has inherited it, writes, reads or ends. The stream is only closed then, so that no reused
 * descriptor is ever touched.
 */
public final class PumpPipe extends PipeEnd {
    private static final int CHUNK = 64 * 1024;
    /** The time for a running read to return available bytes when the pipe is to be closed, in milliseconds. */
    private static final int PATIENCE_MILLIS = 200;

    private final EventLoop loop;
    private final @Nullable InputStream input;
    private final @Nullable OutputStream output;
    private boolean busy;
    /** Holds virtual time while busy, since nothing else knows of the bytes in transit. */
    private Disposable hold = Disposables.disposed();

    /** The rest of the pipe is being read, after which it is closed. */
    private boolean ending;
    /** The number of bytes of the rest read so far. */
    private int rest;

    private @Nullable Disposable withLoop;

    /** Whether the descriptor belongs to this process, which uses it after the loop as well. */
    private final boolean standard;
    /** The loop is closed. */
    private volatile boolean left;
    /**
     * Done when all flushed bytes are written; null if they are. For a standard stream, awaited by the end of the
     * program.
     */
    private @Nullable Future<Void> out;

    /**
     * Creates a reading end, to be registered with the loop.
     *
     * @param input the stream to read, which is closed with the channel
     * @param name the name of the other end, for messages: {@code stdout of cat, pid 42}
     */
    public PumpPipe(EventLoop loop, InputStream input, String name) {
        super(name, true);
        this.loop = loop;
        this.input = input;
        this.output = null;
        this.standard = false;
    }

    /**
     * Creates a writing end, to be registered with the loop.
     *
     * @param output the stream to write to, which is closed with the channel
     * @param name the name of the other end, for messages: {@code stdin of cat, pid 42}
     */
    public PumpPipe(EventLoop loop, OutputStream output, String name) {
        this(loop, output, name, false);
    }

    private PumpPipe(EventLoop loop, OutputStream output, String name, boolean standard) {
        super(name, false);
        this.loop = loop;
        this.input = null;
        this.output = output;
        this.standard = standard;
    }

    /**
     * Creates the channel of an output that this process was started with. It is closed with the channel, but not with
     * the loop. The end of the program waits until everything is written.
     */
    public static PumpPipe ofThisProcess(EventLoop loop, OutputStream output, String name) {
        return new PumpPipe(loop, output, name, true);
    }

    @Override
    public Object pipe() {
        return Objects.requireNonNull(readable ? input : output);
    }

    /**
     * One read or write: first on a thread, then on the loop, to report the result. It allocates everything it needs
     * for that before it starts, since nothing else knows of the bytes.
     */
    private abstract class PumpJob implements Runnable {
        @Nullable Throwable failure;

        private boolean worked;

        /** Reads or writes; on a thread, may block. */
        abstract void work() throws IOException;

        /** Reports the result; on the loop. */
        abstract void tell();

        /** Cleans up, on the thread, if the loop is closed. */
        abstract void unheard();

        @Override
        public final void run() {
            if (worked) {
                busy = false;
                hold.dispose();
                tell();
                return;
            }
            try {
                work();
            } catch (Throwable e) { // reported to the reader or writer
                failure = e;
            }
            worked = true;
            passOn();
        }

        private void passOn() {
            while (true) {
                try {
                    eventLoop().execute(this);
                    return;
                } catch (RejectedExecutionException e) {
                    unheard();
                    return;
                } catch (OutOfMemoryError e) {
                    LockSupport.parkNanos(1_000_000); // others may free memory; the loop waits for this
                }
            }
        }

        /** Passes it to a thread; if no thread can be started, nothing has changed. */
        final void begin() {
            Disposable hold = loop.holdTime(PumpPipe.this, null);
            try {
                PipeThreads.POOL.execute(this);
            } catch (RuntimeException | Error e) {
                hold.dispose();
                throw e;
            }
            busy = true;
            PumpPipe.this.hold = hold;
        }
    }

    // ---- reading

    @Override
    protected void doBeginRead() {
        InputStream input = this.input;
        if (input != null && !busy && !ending) {
            beginRead(input);
        }
    }

    private void beginRead(InputStream input) {
        ByteBuf chunk = alloc().heapBuffer(CHUNK);
        try {
            new PumpRead(input, chunk).begin();
        } catch (RuntimeException | Error e) {
            chunk.release();
            throw e;
        }
    }

    @Override
    void stopReading() {} // a running read cannot be stopped

    /** It is unknown whether a running read has bytes, or will ever have any, so it gets a limited time. */
    @Override
    void readRest() {
        if (!isOpen() || ending) {
            return;
        }
        ending = true;
        if (busy) {
            Schedulers.parallel().schedule(this::close, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        } else {
            readMoreOfTheRest();
        }
    }

    private void readMoreOfTheRest() {
        InputStream input = this.input;
        if (input == null || rest >= LARGEST_PIPE) {
            unsafe().close(voidPromise());
            return;
        }
        try {
            beginRead(input);
        } catch (RuntimeException | Error e) {
            readFailed(e);
        }
    }

    private void readFailed(Throwable error) {
        pipeline().fireExceptionCaught(error);
        unsafe().close(voidPromise());
    }

    private final class PumpRead extends PumpJob {
        private final InputStream input;
        private final ByteBuf chunk;
        /** Whether to read only the bytes that are available without waiting. */
        private final boolean ofTheRest = ending;

        private int n = -1;

        PumpRead(InputStream input, ByteBuf chunk) {
            this.input = input;
            this.chunk = chunk;
        }

        @Override
        void work() throws IOException {
            int wanted = ofTheRest ? Math.min(CHUNK, input.available()) : CHUNK;
            n = wanted == 0 ? 0 : input.read(chunk.array(), chunk.arrayOffset(), wanted);
        }

        @Override
        void unheard() {
            chunk.release();
            close(input);
        }

        @Override
        void tell() {
            if (isOpen() && n > 0) {
                pass();
                return;
            }
            chunk.release();
            if (!isOpen()) {
                closeStreams();
            } else if (failure != null) {
                readFailed(failure);
            } else if (n < 0) {
                inputEnded();
            } else {
                unsafe().close(voidPromise()); // nothing is left
            }
        }

        private void pass() {
            pipeline().fireChannelRead(chunk.writerIndex(n));
            pipeline().fireChannelReadComplete();
            if (ending && !busy && isOpen()) {
                rest += n;
                readMoreOfTheRest();
            }
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
        new Write(output, bytes, n[0]).begin();
    }

    private final class Write extends PumpJob {
        private final OutputStream output;
        private final byte[] bytes;
        private final int n;

        Write(OutputStream output, byte[] bytes, int n) {
            this.output = output;
            this.bytes = bytes;
            this.n = n;
        }

        @Override
        void work() throws IOException {
            output.write(bytes, 0, n);
            output.flush();
        }

        @Override
        void unheard() {
            close(output);
        }

        @Override
        void tell() {
            ChannelOutboundBuffer unwritten = unsafe().outboundBuffer();
            if (!isOpen() || unwritten == null) {
                closeStreams();
            } else if (failure != null) {
                refused(failure);
            } else {
                unwritten.removeBytes(n);
                ((Unsafe) unsafe()).resume();
                if (unwritten.isEmpty()) {
                    allIsOut();
                }
            }
        }
    }

    /**
     * Handles a failed write. The JDK reports "Broken pipe", or "Stream closed" if a child has ended; a file may be on
     * a full disk.
     */
    private void refused(Throwable failure) {
        if (standard && !String.valueOf(failure.getMessage()).contains("Broken pipe")) {
            pipeline().fireExceptionCaught(failure);
        }
        outputRefused();
    }

    // ---- the end of the program, for a standard stream

    private void awaitedByTheProgram() {
        ChannelOutboundBuffer unwritten = unsafe().outboundBuffer();
        if (standard && out == null && unwritten != null && !unwritten.isEmpty()) {
            Future<Void> out = new Future<>();
            this.out = out;
            Closings.await(
                    out,
                    () -> Log.warn(
                            "The program ends with " + unwritten.totalPendingWriteBytes() + " bytes unsent to "
                                    + remoteAddress() + ", whose reader has not read them",
                            null));
        }
    }

    private void allIsOut() {
        Future<Void> out = this.out;
        if (out != null) {
            this.out = null;
            out.trySetResult(null);
        }
    }

    @Override
    ByteBuf toBeWritten(ByteBuf bytes) {
        return bytes;
    }

    private final class Unsafe extends PipeUnsafe {
        @Override
        protected void flush0() {
            awaitedByTheProgram();
            if (!busy) {
                super.flush0();
            }
        }

        void resume() {
            super.flush0();
        }
    }

    // ---- Netty's side

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
        withLoop = loop.onClose(() -> {
            left = true;
            unsafe().close(voidPromise());
        });
        promise.setSuccess();
    }

    @Override
    void release() {
        if (withLoop != null) {
            withLoop.dispose();
        }
        hold.dispose(); // the result of a running job is no longer needed
        allIsOut();
        if (!busy) {
            closeStreams();
        }
    }

    /**
     * Closes the stream: on a thread, since closing may block; but a standard stream at once, which seldom does, so
     * that System.out has ended too when the channel is closed, unless a write is running.
     */
    private void closeStreams() {
        Closeable stream = input != null ? input : output;
        if (standard && stream != null) {
            close(stream);
        } else if (stream != null) {
            PipeThreads.POOL.execute(() -> close(stream));
        }
    }

    private void close(Closeable stream) {
        if (standard && left) {
            return;
        }
        try {
            stream.close();
        } catch (IOException e) {
            // the other end is gone, and so is the descriptor
        }
    }
}
