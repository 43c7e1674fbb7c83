package asyncio.streams;

import asyncio.EventLoop;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Reads bytes and lines from a connection, buffering what comes early.
 *
 * <p>At the end of the stream, {@link #readLine} and {@link #read} complete empty, for which {@code await} gives null.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. The reader's state belongs to the loop of its
 * connection; a read that is subscribed to there and finds its bytes buffered completes at once. One read at a time: a
 * second one fails with {@link IllegalStateException}, and leaves the first alone. A {@code Flux} is a read as long as
 * it waits for something that was requested.
 *
 * <p><b>Cancelling</b> a read consumes nothing, and cancelling a {@code Flux} nothing that it has not emitted. Bytes
 * that a cancelled {@code await} did not take go back to the head of the buffer.
 *
 * <p><b>Errors.</b> When the connection fails, every read from then on fails with what the operating system reported,
 * even if bytes are left: with {@link ConnectionResetException} if the peer has reset it, on every transport.
 *
 * <p><b>Back-pressure.</b> The connection is not read while more than twice the limit is buffered and nobody waits for
 * more, until half of that is left.
 *
 * <p><b>Without copying.</b> The methods called "retained" give Netty buffers instead of arrays, and whoever gets one
 * owns it: releases it, or passes it on to {@link StreamWriter#write(ByteBuf)}, exactly once. A buffer in the hands of
 * an operator that is cancelled goes to the chain's {@code doOnDiscard}.
 *
 * <pre>{@code
 * byte[] line;
 * while ((line = await(reader.readLine())) != null) {
 *     System.out.print(new String(line, UTF_8));
 * }
 * }</pre>
 *
 * <p>asyncio: {@code StreamReader}.
 */
public final class StreamReader {
    /** 64 KiB, as in asyncio. */
    static final int DEFAULT_LIMIT = 65_536;

    /** For what comes from no channel: nobody need release it. */
    static final ByteBufAllocator HEAP = new UnpooledByteBufAllocator(false);

    private final Incoming incoming;
    /** Feeds it, and is not forgotten while somebody holds its reader; null if anybody may feed it. */
    private final @Nullable StreamConnection connection;

    private final Mono<byte[]> readLine = new MonoRead<>(this, Until.LINE, ReadForm.BYTES);
    private final Mono<byte[]> readAll = new MonoRead<>(this, Until.END, ReadForm.BYTES);
    private final Mono<ByteBuf> readLineRetained = new MonoRead<>(this, Until.LINE, ReadForm.RETAINED);
    private final Flux<byte[]> lines = new FluxRead<>(this, "lines", Until.LINE, ReadForm.BYTES);

    /** The source of the bytes, which can be told to wait. Called on the loop of the reader. */
    public interface Flow {
        /** Twice the limit is buffered: stop feeding, though what comes all the same is taken. */
        void pauseReading();

        /** There is room again. */
        void resumeReading();
    }

    private enum Unpaused implements Flow {
        INSTANCE;

        @Override
        public void pauseReading() {}

        @Override
        public void resumeReading() {}
    }

    StreamReader(Incoming incoming, @Nullable StreamConnection connection) {
        this.incoming = incoming;
        this.connection = connection;
    }

    /** As {@link #create(EventLoop, int, Flow)} for a source that cannot be told to wait. */
    public static StreamReader create(EventLoop loop, int limit) {
        return create(loop, limit, Unpaused.INSTANCE);
    }

    /**
     * A reader without a connection, for a protocol or a test of one's own, that gets its bytes by {@link #feedData}.
     *
     * <pre>{@code
     * StreamReader reader = StreamReader.create(loop, 65_536);
     * reader.feedData("hello\n".getBytes(UTF_8));
     * reader.feedEof();
     * byte[] line = await(reader.readLine());
     * }</pre>
     *
     * <p>asyncio: {@code StreamReader(limit, loop)}, and {@code set_transport}.
     *
     * @param loop where its state lives and its reads complete
     * @param limit the longest line, in bytes; twice that is buffered before {@code flow} is paused
     * @throws IllegalArgumentException if the limit is not positive
     */
    public static StreamReader create(EventLoop loop, int limit, Flow flow) {
        return new StreamReader(new Incoming(loop.netty(), HEAP, limit, Objects.requireNonNull(flow, "flow")), null);
    }

    static int checkLimit(int limit) {
        if (limit <= 0) {
            throw new IllegalArgumentException(
                    "The limit of a reader must be positive, not " + limit + ": it is the longest line in bytes");
        }
        return limit;
    }

    // ---- reading

    /**
     * A line with its {@code '\n'}; without one the last, if the stream does not end with a newline; empty at the end
     * of the stream. Nothing happens until subscription; cancelling consumes nothing.
     *
     * <p>A line of more bytes than the limit, not counting the newline, fails with {@link LimitOverrunException} and is
     * dropped as far as it has come: up to its newline, or all that is buffered. In that case the rest of it, when it
     * comes, is read as a line of its own.
     */
    public Mono<byte[]> readLine() {
        return readLine;
    }

    /**
     * Everything up to and with the separator that ends first: for {@code "\r"} and {@code "\n"} a line with the first
     * of them, for {@code "DEF"} and {@code "BCDE"} in {@code ABCDEFG} it is {@code ABCDE}. Nothing happens until
     * subscription; cancelling consumes nothing.
     *
     * <p>If the stream ends before, it fails with {@link IncompleteReadException}, which has what came. If more bytes
     * than the limit come before the separator, it fails with {@link LimitOverrunException}, and all of them are still
     * there: {@code readExactly(e.consumed())} takes them.
     *
     * @throws IllegalArgumentException without a separator, or if one is empty
     */
    public Mono<byte[]> readUntil(byte[]... separators) {
        return new MonoRead<>(this, Until.separator(new Separators(separators)), ReadForm.BYTES);
    }

    /** As {@link #readUntil(byte[]...)}, with separators in UTF-8. */
    public Mono<byte[]> readUntil(String... separators) {
        return readUntil(Stream.of(separators)
                .map(separator -> separator.getBytes(StandardCharsets.UTF_8))
                .toArray(byte[][]::new));
    }

    /**
     * Reads the bytes that have come, at least one and at most {@code n}; empty at the end of the stream. Nothing
     * happens until subscription; cancelling consumes nothing. With {@code n} 0 it gives an array of length 0 at once.
     *
     * @throws IllegalArgumentException if {@code n} is negative; asyncio's {@code read(-1)} is {@link #readAll}
     */
    public Mono<byte[]> read(int n) {
        return new MonoRead<>(this, some(n), ReadForm.BYTES);
    }

    /**
     * Exactly {@code n} bytes, however many that are: for a moment they take memory twice, as they came and as the
     * array. If there is none for that, it fails with {@link OutOfMemoryError} and they can still be read. If the
     * stream ends before, it fails with {@link IncompleteReadException}, which has what came. Nothing happens until
     * subscription; cancelling consumes nothing.
     *
     * @throws IllegalArgumentException if {@code n} is negative
     */
    public Mono<byte[]> readExactly(int n) {
        return new MonoRead<>(this, exactly(n), ReadForm.BYTES);
    }

    /**
     * Everything until the end of the stream, an array of length 0 if nothing comes any more. All of it is held in
     * memory, as by {@link #readExactly}. Nothing happens until subscription; cancelling consumes nothing.
     *
     * <p>asyncio: {@code read(-1)}.
     */
    public Mono<byte[]> readAll() {
        return readAll;
    }

    private static Until some(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("Cannot read " + n + " bytes: use readAll() to read until the end");
        }
        return Until.some(n);
    }

    private static Until exactly(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("readExactly size can not be less than zero: " + n);
        }
        return Until.exactly(n);
    }

    // ---- until the end of the stream

    /**
     * The lines from here to the end of the stream, as {@link #readLine} gives them, one read for each requested. The
     * end comes with the last line if it is known then, else with the next request. Nothing happens until subscription;
     * cancelling keeps the lines that were not emitted.
     *
     * <p>asyncio: {@code async for line in reader}.
     */
    public Flux<byte[]> lines() {
        return lines;
    }

    /**
     * As {@link #lines()}, as text without {@code "\n"} or {@code "\r\n"}, like {@link java.io.BufferedReader#lines}
     * (for which a lone {@code "\r"} is an end, too: here it is not). Bytes that are not of that charset become its
     * replacement character.
     */
    public Flux<String> lines(Charset charset) {
        return new FluxRead<>(this, "lines", Until.LINE, ReadForm.line(charset));
    }

    /** As {@link #chunks(int)}, each as large as what has come. */
    public Flux<byte[]> chunks() {
        return chunks(Integer.MAX_VALUE);
    }

    /**
     * All bytes from here to the end of the stream, in pieces as they come, one read for each requested. Nothing
     * happens until subscription; cancelling keeps what was not emitted.
     *
     * @param max the largest piece, in bytes
     * @throws IllegalArgumentException if it is not positive
     */
    public Flux<byte[]> chunks(int max) {
        return new FluxRead<>(this, "chunks", piece("chunks", max), ReadForm.BYTES);
    }

    private static Until piece(String method, int max) {
        if (max <= 0) {
            throw new IllegalArgumentException("The largest chunk must be positive, not " + max);
        }
        return Until.piece(method, max);
    }

    // ---- the same without copying

    /** As {@link #readLine}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readLineRetained() {
        return readLineRetained;
    }

    /** As {@link #readUntil(byte[]...)}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readUntilRetained(byte[]... separators) {
        return new MonoRead<>(this, Until.separator(new Separators(separators)), ReadForm.RETAINED);
    }

    /** As {@link #read}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readRetained(int n) {
        return new MonoRead<>(this, some(n), ReadForm.RETAINED);
    }

    /** As {@link #readExactly}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readExactlyRetained(int n) {
        return new MonoRead<>(this, exactly(n), ReadForm.RETAINED);
    }

    /** As {@link #lines()}, without copying: the subscriber releases each buffer. */
    public Flux<ByteBuf> linesRetained() {
        return new FluxRead<>(this, "linesRetained", Until.LINE, ReadForm.RETAINED);
    }

    /** As {@link #chunks()}, without copying: the subscriber releases each buffer. */
    public Flux<ByteBuf> chunksRetained() {
        return chunksRetained(Integer.MAX_VALUE);
    }

    /** As {@link #chunks(int)}, without copying: the subscriber releases each buffer. */
    public Flux<ByteBuf> chunksRetained(int max) {
        return new FluxRead<>(this, "chunksRetained", piece("chunksRetained", max), ReadForm.RETAINED);
    }

    // ---- asking

    /** Whether the stream has ended and all its bytes were read. */
    public boolean atEof() {
        return incoming.atEof();
    }

    /** Returns the error that every read fails with; null while nothing is wrong. */
    public @Nullable Throwable exception() {
        return incoming.exception();
    }

    // ---- feeding

    /**
     * Adds bytes at the end. The array is copied.
     *
     * @throws IllegalStateException after {@link #feedEof}; if a connection feeds this reader, or its loop is closed
     */
    public void feedData(byte[] bytes) {
        if (incoming.ended()) {
            throw new IllegalStateException("Cannot call feedData() after feedEof(): " + this);
        }
        ByteBuf copy = Unpooled.copiedBuffer(bytes);
        fed(() -> incoming.feed(copy));
    }

    /**
     * Nothing more will come: what is buffered can still be read.
     *
     * @throws IllegalStateException if a connection feeds this reader, or its loop is closed
     */
    public void feedEof() {
        fed(incoming::feedEof);
    }

    /**
     * Lets every read from now on fail, the one that waits included.
     *
     * @throws IllegalStateException if a connection feeds this reader, or its loop is closed
     */
    public void setException(Throwable exception) {
        Objects.requireNonNull(exception, "exception");
        fed(() -> incoming.fail(exception));
    }

    private void fed(Runnable step) {
        if (connection != null) {
            throw new IllegalStateException(
                    connection + " feeds this reader: StreamReader.create makes one that can be fed by others");
        }
        try {
            incoming.onLoop(step);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("The event loop of " + this + " is closed", e);
        }
    }

    Incoming incoming() {
        return incoming;
    }

    static IllegalStateException secondRead(String method, String waiting) {
        return new IllegalStateException(method + "() called while " + waiting
                + "() is already waiting for incoming data: a connection has one reader at a time");
    }

    /** {@code <StreamReader limit=100 eof>}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("<StreamReader");
        if (incoming.limit != DEFAULT_LIMIT) {
            text.append(" limit=").append(incoming.limit);
        }
        if (atEof()) {
            text.append(" eof");
        }
        if (exception() != null) {
            text.append(" exception=").append(exception());
        }
        return text.append('>').toString();
    }
}
