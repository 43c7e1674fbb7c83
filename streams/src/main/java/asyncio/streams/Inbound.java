package asyncio.streams;

import io.netty.buffer.ByteBuf;

/**
 * The receiver of what a {@link StreamHandler} hears: the buffer of a reader, or the calls of a protocol. On the loop.
 */
interface Inbound {
    /** The handler is in the pipeline of a channel that is active. */
    void attached();

    /** Takes bytes that have come, and owns the buffer from here on. */
    void feed(ByteBuf bytes);

    /** Nothing more will come. */
    void feedEof();

    /** Whether {@link #feedEof} has been called. */
    boolean ended();

    /** Nothing more will come, though something should have: the stream was cut off. */
    void truncate(Throwable truncation);

    /** The connection has failed, and will be lost. */
    void fail(Throwable failure);

    /** The connection is gone, with or without {@link #fail}; nothing is called after this. */
    void connectionLost();

    /** The connection is being closed by this side, which wants nothing more of it. */
    default void closed() {}

    /** A thread that is not the loop's has written. */
    default void wrote() {}

    /** There is room in the write buffer, where there was none. */
    default void writable() {}

    /**
     * Gives what came before TLS starts, which must not be taken for what comes through it: nothing, or the ClientHello
     * of a client that did not wait for this.
     *
     * @throws IllegalStateException if it is something else, or somebody reads
     */
    byte[] takeForTls(boolean server);

    /** Undoes {@link #takeForTls}: TLS has not started. */
    void returnFromTls(byte[] early);
}
