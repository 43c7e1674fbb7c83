package asyncio.streams;

import io.netty.buffer.ByteBuf;

/** Receives the events of a {@link StreamHandler}: the buffer of a reader, or the calls of a protocol. On the loop. */
interface Inbound {
    /** The handler is in the pipeline of an active channel. */
    void attached();

    /** Takes incoming bytes, and owns the buffer from here on. */
    void feed(ByteBuf bytes);

    /** The stream has ended. */
    void feedEof();

    /** Returns whether {@link #feedEof} has been called. */
    boolean ended();

    /** The stream was cut off: it ended, but more bytes should have come. */
    void truncate(Throwable truncation);

    /** The connection has failed, and will be lost. */
    void fail(Throwable failure);

    /** The connection is gone, with or without {@link #fail}; nothing is called after this. */
    void connectionLost();

    /** The connection is being closed by this side, which needs no more input. */
    default void closed() {}

    /** A thread other than the loop's has written. */
    default void wrote() {}

    /** There is room in the write buffer again. */
    default void writable() {}

    /**
     * Takes the bytes that came before TLS starts, which must not be mistaken for bytes received through it: none, or
     * the ClientHello of a client that did not wait.
     *
     * @throws IllegalStateException if there are other bytes, or a read is waiting
     */
    byte[] takeForTls(boolean server);

    /** Undoes {@link #takeForTls}: TLS has not started. */
    void returnFromTls(byte[] early);
}
