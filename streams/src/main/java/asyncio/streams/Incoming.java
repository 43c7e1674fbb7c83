package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The bytes received for a {@link StreamReader}, and the reads that wait for more. It belongs to the loop: every method
 * except {@link #onLoop} and the getters is called there.
 */
final class Incoming implements Inbound {
    /** Roughly the longest array of the JVM. */
    private static final int MAX_SIZE = Integer.MAX_VALUE - 8;

    final EventExecutor loop;
    final int limit;
    final ReadBuffer buffer;
    private final ReaderSource source;
    private final StreamReader.Flow flow;
    /** The waiting read; it may have been cancelled meanwhile. */
    private @Nullable Pending current;

    /** Bytes were taken and nothing has been written since: a request may be half read, or is being answered. */
    private boolean midway;
    /** Runs once when the connection is idle; null if there is no such action. */
    private @Nullable Runnable onIdle;

    private boolean paused;
    private volatile boolean ended;
    /** {@link #ended}, and no bytes are left. */
    private volatile boolean atEof;

    private volatile @Nullable Throwable exception;
    /** The error of a read that needs more bytes after the stream was cut off. */
    private @Nullable Throwable truncation;

    /** The position in the stream of the bytes returned by {@link #takeForTls}. */
    private long beforeTls;

    /** A requested read. */
    interface Pending {
        /** Returns whether it is neither cancelled nor ended. */
        boolean isWaiting();

        /** Takes the available bytes; returns false if it must wait for more. */
        boolean proceed();

        /** Fails the read: the rest of its bytes will not come. */
        void cutOff(Throwable truncation);

        /** Fails the read because another one is waiting. */
        void refuse(String method);

        String method();
    }

    /** Creates the state of a reader without a connection. */
    Incoming(EventExecutor loop, ByteBufAllocator allocator, int limit, StreamReader.Flow flow) {
        this(loop, allocator, limit, flow, ReaderSource.FED);
    }

    Incoming(EventExecutor loop, ByteBufAllocator allocator, int limit, StreamReader.Flow flow, ReaderSource source) {
        this.loop = loop;
        this.source = source;
        this.limit = StreamReader.checkLimit(limit);
        this.flow = flow;
        this.buffer = new ReadBuffer(allocator);
    }

    void onLoop(Runnable step) {
        if (loop.inEventLoop()) {
            step.run();
        } else {
            loop.execute(step);
        }
    }

    @Override
    public boolean ended() {
        return ended;
    }

    boolean isPaused() {
        return paused;
    }

    boolean atEof() {
        return atEof;
    }

    @Nullable Throwable exception() {
        return exception;
    }

    // ---- reads

    void start(Pending read) {
        Pending other = waiting();
        if (other != null) {
            read.refuse(other.method());
        } else {
            current = null;
            proceed(read);
        }
    }

    /** The waiting read. */
    @Nullable Pending waiting() {
        Pending read = current;
        return read != null && read.isWaiting() ? read : null;
    }

    private void proceed(Pending read) {
        if (read.proceed()) {
            return;
        }
        Throwable truncation = this.truncation;
        if (truncation != null) {
            read.cutOff(truncation);
        } else {
            current = read;
            runSoonIfIdle();
            if (paused) {
                resume(); // or it would wait forever: readExactly(more than 2 * limit)
            }
        }
    }

    private void wake() {
        Pending read = current;
        if (read != null) {
            current = null; // its subscriber may start the next read on this stack
            proceed(read);
        }
    }

    <T> T take(ReadForm<T> form, int n) {
        T taken = form.take(buffer, n);
        removed();
        return taken;
    }

    Throwable failure(Until until) {
        Throwable failure = until.failure(buffer, limit, source);
        removed();
        return failure;
    }

    private void removed() {
        midway = true;
        if (ended && buffer.size() == 0) { // else it stays false, and needs no volatile write with its fence
            atEof = true;
        }
        if (paused && buffer.size() <= limit) {
            resume();
        }
    }

    private void resume() {
        paused = false;
        try {
            flow.resumeReading();
        } catch (Throwable e) { // from a foreign source, during a read that already has its bytes
            fail(e);
        }
    }

    /**
     * Undoes a {@link #take}, and owns the bytes from here on.
     *
     * @param position the position of the buffer before they were taken
     */
    void putBack(ByteBuf bytes, long position) {
        if (!bytes.isReadable()) {
            bytes.release();
            return;
        }
        buffer.putBack(bytes, position);
        atEof = false;
        wake();
    }

    // ---- idleness

    /** Something was written. */
    void answered() {
        if (midway) {
            midway = false;
            runSoonIfIdle();
        }
    }

    /**
     * Runs an action, once, as soon as the connection is idle: a read waits for the first byte of the next input, and
     * the input before it has been answered.
     */
    void whenIdle(Runnable action) {
        onIdle = action;
        runIfIdle();
    }

    /** Runs it later, not on the stack of a read or a write. */
    private void runSoonIfIdle() {
        if (onIdle != null) {
            loop.execute(this::runIfIdle);
        }
    }

    private void runIfIdle() {
        Runnable action = onIdle;
        if (action != null && !midway && buffer.size() == 0 && waiting() != null) {
            onIdle = null;
            action.run();
        }
    }

    // ---- the source's side

    @Override
    public void attached() {
        flow.resumeReading();
    }

    @Override
    public void feed(ByteBuf bytes) {
        if (ended || !bytes.isReadable()) {
            bytes.release();
            return;
        }
        if (bytes.readableBytes() > MAX_SIZE - buffer.size()) {
            bytes.release();
            overflow();
            return;
        }
        try {
            buffer.append(bytes);
        } catch (Throwable e) { // no memory: the stream has a gap
            giveUp(e);
            throw e;
        }
        wake();
        if (!paused && waiting() == null && buffer.size() > 2L * limit) {
            paused = true;
            flow.pauseReading();
        }
    }

    private void overflow() {
        flow.pauseReading();
        giveUp(new IOException("More than " + MAX_SIZE + " bytes are buffered for a read, which an array cannot hold:"
                + " read them in pieces, with chunks() or read(n)"));
    }

    /** Drops all buffered bytes, which can never be read. */
    private void giveUp(Throwable reason) {
        ended = true;
        paused = true;
        buffer.clear();
        fail(reason);
    }

    @Override
    public void feedEof() {
        ended = true;
        atEof = buffer.size() == 0;
        wake();
    }

    @Override
    public void fail(Throwable exception) {
        if (exception != truncation) {
            this.exception = exception;
            wake();
        }
    }

    /** Lets the received bytes be read, then fails reads. */
    @Override
    public void truncate(Throwable truncation) {
        this.truncation = truncation;
        wake();
    }

    @Override
    public void connectionLost() {
        try {
            if (truncation == null) {
                feedEof(); // first, for a waiting readAll()
            }
        } finally {
            try {
                buffer.moveToHeap();
            } catch (OutOfMemoryError e) {
                giveUp(e);
            }
        }
    }

    @Override
    public byte[] takeForTls(boolean server) {
        if (waiting() != null) {
            throw new IllegalStateException("startTls() called while a read waits for incoming data");
        }
        int size = buffer.size();
        if (size == 0) {
            return new byte[0];
        }
        long position = buffer.position();
        byte[] early = ReadForm.BYTES.take(buffer, size);
        try {
            TlsLayer.checkEarly(early, server);
        } catch (IllegalStateException e) {
            buffer.putBack(Unpooled.wrappedBuffer(early), position);
            throw e;
        }
        beforeTls = position;
        removed();
        return early;
    }

    @Override
    public void returnFromTls(byte[] early) {
        putBack(Unpooled.wrappedBuffer(early), beforeTls);
    }
}
