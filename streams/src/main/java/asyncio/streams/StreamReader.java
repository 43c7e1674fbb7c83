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
 * Reads bytes and lines from a connection, buffering bytes that arrive before they are read.
 *
 * <p>At the end of the stream, {@link #readLine} and {@link #read} complete empty, so {@code await} returns null.
 *
 * <p><b>Threading.</b> Every method may be called from any thread. The reader's state belongs to the loop of its
 * connection; a read that is subscribed to there and finds its bytes buffered completes at once. Only one read may wait
 * at a time: a second one fails with {@link IllegalStateException} and does not affect the first. A {@code Flux} counts
 * as a read while it waits for a requested item.
 *
 * <p><b>Cancelling</b> a read consumes nothing, and cancelling a {@code Flux} consumes nothing that it has not emitted.
 * Bytes that a cancelled {@code await} did not receive return to the head of the buffer.
 *
 * <p><b>Errors.</b> When the connection fails, every later read fails with the error reported by the operating system,
 * even if bytes are left; if the peer has reset the connection, that is {@link ConnectionResetException} on every
 * transport.
 *
 * <p><b>Back-pressure.</b> Reading from the connection pauses while more than twice the limit is buffered and no read
 * waits for more; it resumes when half of that is left.
 *
 * <p><b>Without copying.</b> The "retained" methods return Netty buffers instead of arrays. The receiver owns the
 * buffer and must release it, or pass it on to {@link StreamWriter#write(ByteBuf)}, exactly once. A buffer held by an
 * operator that is cancelled goes to the chain's {@code doOnDiscard}.
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

    /** For bytes that come from no channel; they need no release. */
    static final ByteBufAllocator HEAP = new UnpooledByteBufAllocator(false);

    private final Incoming incoming;
    /**
     * The connection that feeds this reader, kept reachable as long as the reader is; null if {@link #feedData} may be
     * used.
     */
    private final @Nullable StreamConnection connection;

    private final Mono<byte[]> readLine = new MonoRead<>(this, Until.LINE, ReadForm.BYTES);
    private final Mono<byte[]> readAll = new MonoRead<>(this, Until.END, ReadForm.BYTES);
    private final Mono<ByteBuf> readLineRetained = new MonoRead<>(this, Until.LINE, ReadForm.RETAINED);
    private final Flux<byte[]> lines = new FluxRead<>(this, "lines", Until.LINE, ReadForm.BYTES);

    /** The source of the bytes, which can be told to wait. Called on the loop of the reader. */
    public interface Flow {
        /** Twice the limit is buffered: stop feeding. Bytes that are fed anyway are still accepted. */
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

    /** Like {@link #create(EventLoop, int, Flow)} for a source that cannot be told to wait. */
    public static StreamReader create(EventLoop loop, int limit) {
        return create(loop, limit, Unpaused.INSTANCE);
    }

    /**
     * Creates a reader without a connection, for a custom protocol or a test. It gets its bytes from {@link #feedData}.
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
     * @param loop the loop that owns its state and completes its reads
     * @param limit the longest line, in bytes; up to twice that is buffered before {@code flow} is paused
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
     * Reads a line with its {@code '\n'}; the last line comes without one if the stream does not end with a newline.
     * Completes empty at the end of the stream. Nothing happens until subscription; cancelling consumes nothing.
     *
     * <p>For a line of more bytes than the limit, not counting the newline, it fails with
     * {@link LimitOverrunException}, and the part received so far is dropped: up to the newline, or all that is
     * buffered. In the latter case the rest of the line, when it arrives, is read as a separate line.
     */
    public Mono<byte[]> readLine() {
        return readLine;
    }

    /**
     * Reads everything up to and including the separator that ends first: for {@code "\r"} and {@code "\n"} a line with
     * the first of them, for {@code "DEF"} and {@code "BCDE"} in {@code ABCDEFG} it is {@code ABCDE}. Nothing happens
     * until subscription; cancelling consumes nothing.
     *
     * <p>If the stream ends before that, it fails with {@link IncompleteReadException}, which holds the bytes received.
     * If more bytes than the limit come before the separator, it fails with {@link LimitOverrunException}, and they all
     * stay buffered: {@code readExactly(e.consumed())} reads them.
     *
     * @throws IllegalArgumentException if there is no separator, or an empty one
     */
    public Mono<byte[]> readUntil(byte[]... separators) {
        return new MonoRead<>(this, Until.separator(new Separators(separators)), ReadForm.BYTES);
    }

    /** Like {@link #readUntil(byte[]...)}, with separators in UTF-8. */
    public Mono<byte[]> readUntil(String... separators) {
        return readUntil(Stream.of(separators)
                .map(separator -> separator.getBytes(StandardCharsets.UTF_8))
                .toArray(byte[][]::new));
    }

    /**
     * Reads the bytes that have arrived, at least one and at most {@code n}; completes empty at the end of the stream.
     * Nothing happens until subscription; cancelling consumes nothing. With {@code n} 0 it returns an array of length 0
     * at once.
     *
     * @throws IllegalArgumentException if {@code n} is negative; asyncio's {@code read(-1)} is {@link #readAll}
     */
    public Mono<byte[]> read(int n) {
        return new MonoRead<>(this, some(n), ReadForm.BYTES);
    }

    /**
     * Reads exactly {@code n} bytes, which may exceed the limit. For a moment they take memory twice, as received and
     * as the array. If there is not enough, it fails with {@link OutOfMemoryError} and the bytes can still be read. If
     * the stream ends before that, it fails with {@link IncompleteReadException}, which holds the bytes received.
     * Nothing happens until subscription; cancelling consumes nothing.
     *
     * @throws IllegalArgumentException if {@code n} is negative
     */
    public Mono<byte[]> readExactly(int n) {
        return new MonoRead<>(this, exactly(n), ReadForm.BYTES);
    }

    /**
     * Reads everything until the end of the stream; an array of length 0 if no more bytes come. All of it is held in
     * memory, as with {@link #readExactly}. Nothing happens until subscription; cancelling consumes nothing.
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
     * Emits the lines from here to the end of the stream, as {@link #readLine} returns them, with one read for each
     * requested item. It completes with the last line if the end is known by then, else on the next request. Nothing
     * happens until subscription; cancelling keeps the lines that it has not emitted.
     *
     * <p>asyncio: {@code async for line in reader}.
     */
    public Flux<byte[]> lines() {
        return lines;
    }

    /**
     * Like {@link #lines()}, as text without {@code "\n"} or {@code "\r\n"}, like {@link java.io.BufferedReader#lines}
     * (which, unlike this method, also ends a line at a lone {@code "\r"}). Bytes that are malformed in the charset are
     * decoded to its replacement character.
     */
    public Flux<String> lines(Charset charset) {
        return new FluxRead<>(this, "lines", Until.LINE, ReadForm.line(charset));
    }

    /** Like {@link #chunks(int)}, without a largest size: each chunk has all the bytes that have arrived. */
    public Flux<byte[]> chunks() {
        return chunks(Integer.MAX_VALUE);
    }

    /**
     * Emits all bytes from here to the end of the stream, in chunks as they arrive, with one read for each requested
     * item. Nothing happens until subscription; cancelling keeps the bytes that it has not emitted.
     *
     * @param max the largest chunk, in bytes
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

    /** Like {@link #readLine}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readLineRetained() {
        return readLineRetained;
    }

    /** Like {@link #readUntil(byte[]...)}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readUntilRetained(byte[]... separators) {
        return new MonoRead<>(this, Until.separator(new Separators(separators)), ReadForm.RETAINED);
    }

    /** Like {@link #read}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readRetained(int n) {
        return new MonoRead<>(this, some(n), ReadForm.RETAINED);
    }

    /** Like {@link #readExactly}, without copying: the caller releases the buffer. */
    public Mono<ByteBuf> readExactlyRetained(int n) {
        return new MonoRead<>(this, exactly(n), ReadForm.RETAINED);
    }

    /** Like {@link #lines()}, without copying: the subscriber releases each buffer. */
    public Flux<ByteBuf> linesRetained() {
        return new FluxRead<>(this, "linesRetained", Until.LINE, ReadForm.RETAINED);
    }

    /** Like {@link #chunks()}, without copying: the subscriber releases each buffer. */
    public Flux<ByteBuf> chunksRetained() {
        return chunksRetained(Integer.MAX_VALUE);
    }

    /** Like {@link #chunks(int)}, without copying: the subscriber releases each buffer. */
    public Flux<ByteBuf> chunksRetained(int max) {
        return new FluxRead<>(this, "chunksRetained", piece("chunksRetained", max), ReadForm.RETAINED);
    }

    // ---- state

    /** Returns whether the stream has ended and all its bytes were read. */
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
     * Marks the end of the stream: bytes already buffered can still be read.
     *
     * @throws IllegalStateException if a connection feeds this reader, or its loop is closed
     */
    public void feedEof() {
        fed(incoming::feedEof);
    }

    /**
     * Makes every read fail from now on, including one that is waiting.
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
                    connection + " feeds this reader: StreamReader.create creates one that can be fed by hand");
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
