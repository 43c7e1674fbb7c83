package asyncio.streams;

import asyncio.Future;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The state of the write side of a connection. The channel keeps this alive and not the {@link StreamWriter}, so that
 * the collector finds a writer that is no longer used.
 */
final class Outgoing {
    private static final WriteBufferLimits TLS_LIMITS =
            new WriteBufferLimits(8 * WriteBufferLimits.DEFAULT.low(), 8 * WriteBufferLimits.DEFAULT.high());

    final Channel channel;
    final @Nullable SocketAddress remoteAddress;
    final @Nullable SocketAddress localAddress;
    /** Completes when the connection is gone; {@link #failure} tells how. */
    private final Future<Void> closed = new Future<>();
    /** For all who drain now, since there is room for all of them at once; on the loop. */
    private @Nullable Future<Void> room;

    private volatile boolean closing;
    private volatile boolean eofWritten;
    /** Between the pieces of this file nothing else may be written; null if there is none. */
    private volatile @Nullable Object file;

    private volatile boolean lost;
    private volatile boolean lostWithLoop;
    private volatile @Nullable Throwable failure;
    private volatile WriteBufferLimits limits = WriteBufferLimits.DEFAULT;
    private final DroppedWrites droppedWrites = new DroppedWrites();
    /** The name that its users know it by, for messages. */
    private volatile String kind = "StreamWriter";

    Outgoing(Channel channel) {
        this.channel = channel;
        this.remoteAddress = channel.remoteAddress();
        this.localAddress = channel.localAddress();
        setLimits(limits);
    }

    void setKind(String kind) {
        this.kind = kind;
    }

    void onLoop(Runnable step) {
        if (channel.eventLoop().inEventLoop()) {
            step.run();
        } else {
            channel.eventLoop().execute(step);
        }
    }

    void onLoopIfOpen(Runnable step) {
        try {
            onLoop(step);
        } catch (RejectedExecutionException e) {
            // the loop is closed, and the connection with it
        }
    }

    /** Whether this call is the first that asks for it. */
    synchronized boolean requestClose() {
        boolean first = !closing;
        closing = true;
        return first;
    }

    boolean closeRequested() {
        return closing;
    }

    boolean isClosing() {
        return closing || lost || !channel.isOpen();
    }

    boolean isLost() {
        return lost;
    }

    /** The loop was closed, and has closed a connection that nobody had closed before. */
    boolean isLostWithLoop() {
        return lostWithLoop;
    }

    /**
     * Whether this call is the first that asks for it.
     *
     * @throws IllegalStateException while a file is sent
     */
    synchronized boolean requestEof() {
        checkNoFile("writeEof");
        boolean first = !eofWritten;
        eofWritten = true;
        return first;
    }

    void checkEofNotWritten() {
        if (eofWritten) {
            throw new IllegalStateException(
                    "Cannot call write() after writeEof(): the peer was told that nothing more comes");
        }
    }

    /**
     * Reserves the write side for a file. What another thread has passed to the loop before comes before it: that, and
     * this, is under the lock.
     *
     * @param file by identity
     * @throws IllegalStateException after {@link #requestEof}, and while another is sent
     */
    synchronized void beginFile(Object file) {
        checkEofNotWritten();
        checkNoFile("sendFile");
        this.file = file;
    }

    /** Of the file that is sent. */
    void endFile() {
        file = null;
    }

    /** Whether it is this one that is sent, and not another since. */
    boolean sends(Object file) {
        return this.file == file;
    }

    /** @param method what would come in between */
    void checkNoFile(String method) {
        if (file != null) {
            throw new IllegalStateException("Cannot call " + method + "() while sendFile is in progress on " + this
                    + ": it would land in the middle of the file. Await sendFile() first");
        }
    }

    /** Something was written that cannot be sent any more. */
    void dropWrite() {
        droppedWrites.add(this);
    }

    // ---- limits

    WriteBufferLimits limits() {
        return limits;
    }

    void setLimits(WriteBufferLimits limits) {
        this.limits = limits;
        int low = limits.low();
        // Netty resumes below its low mark, asyncio at it
        int lowMark = low == Integer.MAX_VALUE ? low : low + 1;
        channel.config()
                .setOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(lowMark, Math.max(limits.high(), lowMark)));
    }

    /** Sets the limits of a connection with TLS, unless others have been chosen. */
    void setTlsLimits() {
        if (limits.equals(WriteBufferLimits.DEFAULT)) {
            setLimits(TLS_LIMITS);
        }
    }

    Future<Void> closed() {
        return closed;
    }

    /** Returns the error that broke the connection, which may still be on its way out; null without one. */
    @Nullable Throwable failure() {
        return failure;
    }

    /** Returns the error of a write that can no longer be sent. */
    Throwable lossError() {
        Throwable failure = this.failure;
        return failure != null ? failure : new ConnectionResetException("Connection lost: " + this);
    }

    // ---- on the loop

    /** The first one is what it broke of. */
    void fail(Throwable error) {
        if (failure == null) {
            failure = error;
        }
    }

    Future<Void> room() {
        Future<Void> room = this.room;
        if (room == null) {
            room = new Future<>();
            this.room = room;
        }
        return room;
    }

    void releaseDrainers() {
        Future<Void> released = room;
        if (released != null) {
            room = null;
            released.trySetResult(null);
        }
    }

    void connectionLost() {
        lostWithLoop = !closing && channel.eventLoop().isShuttingDown();
        lost = true;
        releaseDrainers();
        closed.trySetResult(null);
    }

    /** Whether the peer has connected to this side. */
    boolean isAccepted() {
        return channel.parent() != null;
    }

    /** {@code /127.0.0.1:50000 -> /127.0.0.1:80}: for messages. */
    String peers() {
        return localAddress + " -> " + remoteAddress;
    }

    /** {@code <StreamWriter /127.0.0.1:50000 -> /127.0.0.1:80 open>}. */
    @Override
    public String toString() {
        return text(kind);
    }

    String text(String kind) {
        return "<" + kind + " " + peers() + (lost ? " closed" : isClosing() ? " closing" : " open") + ">";
    }
}
