package asyncio.streams;

import asyncio.Future;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.net.SocketAddress;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * The state of the write side of a connection. The channel refers to this and not to the {@link StreamWriter}, so that
 * an unused writer can be garbage collected.
 */
final class Outgoing {
    private static final WriteBufferLimits TLS_LIMITS =
            new WriteBufferLimits(8 * WriteBufferLimits.DEFAULT.low(), 8 * WriteBufferLimits.DEFAULT.high());

    final Channel channel;
    final @Nullable SocketAddress remoteAddress;
    final @Nullable SocketAddress localAddress;
    /** Completes when the connection is gone; {@link #failure} has the reason. */
    private final Future<Void> closed = new Future<>();
    /** Shared by all waiting drains, since there is room for all of them at once; on the loop. */
    private @Nullable Future<Void> room;

    private volatile boolean closing;
    private volatile boolean eofWritten;
    /** The file being sent, during which nothing else may be written; null if there is none. */
    private volatile @Nullable Object file;

    private volatile boolean lost;
    private volatile boolean lostWithLoop;
    private volatile @Nullable Throwable failure;
    private volatile WriteBufferLimits limits = WriteBufferLimits.DEFAULT;
    private final DroppedWrites droppedWrites = new DroppedWrites();
    /** The type name that users know it by, for messages. */
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

    /** Requests the close; returns whether this is the first request. */
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

    /** Returns whether the closing of the loop has closed this connection before the program did. */
    boolean isLostWithLoop() {
        return lostWithLoop;
    }

    /**
     * Requests the end of the stream; returns whether this is the first request.
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
                    "Cannot call write() after writeEof(): the peer has been told that the stream has ended");
        }
    }

    /**
     * Reserves the write side for a file. Writes that other threads have passed to the loop before are sent first,
     * since both happen under the lock.
     *
     * @param file compared by identity
     * @throws IllegalStateException after {@link #requestEof}, and while another file is sent
     */
    synchronized void beginFile(Object file) {
        checkEofNotWritten();
        checkNoFile("sendFile");
        this.file = file;
    }

    /** Ends the reservation for a file. */
    void endFile() {
        file = null;
    }

    /** Returns whether this file is still the one being sent. */
    boolean sends(Object file) {
        return this.file == file;
    }

    /** @param method the method that would write in between */
    void checkNoFile(String method) {
        if (file != null) {
            throw new IllegalStateException("Cannot call " + method + "() while sendFile is in progress on " + this
                    + ": it would land in the middle of the file. Await sendFile() first");
        }
    }

    /** Counts a write that can no longer be sent. */
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
        // Netty resumes below its low mark, asyncio at the mark
        int lowMark = low == Integer.MAX_VALUE ? low : low + 1;
        channel.config()
                .setOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(lowMark, Math.max(limits.high(), lowMark)));
    }

    /** Sets the limits of a connection with TLS, unless other limits have been set. */
    void setTlsLimits() {
        if (limits.equals(WriteBufferLimits.DEFAULT)) {
            setLimits(TLS_LIMITS);
        }
    }

    Future<Void> closed() {
        return closed;
    }

    /**
     * Returns the error that broke the connection; it may be set before the connection is gone. Null if there is none.
     */
    @Nullable Throwable failure() {
        return failure;
    }

    /** Returns the error of a write that can no longer be sent. */
    Throwable lossError() {
        Throwable failure = this.failure;
        return failure != null ? failure : new ConnectionResetException("Connection lost: " + this);
    }

    // ---- on the loop

    /** Records an error; the first one is the reason of the failure. */
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

    /** Returns whether this side accepted the connection. */
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
