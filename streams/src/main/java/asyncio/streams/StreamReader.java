package asyncio.streams;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.EventExecutor;
import java.util.Optional;
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
 * second one fails with {@link IllegalStateException}, and leaves the first alone.
 *
 * <p><b>Cancelling</b> a read consumes nothing. Bytes that a cancelled {@code await} did not take go back to the head
 * of the buffer.
 *
 * <p><b>Errors.</b> When the connection fails, every read from then on fails with what the operating system reported,
 * even if bytes are left.
 *
 * <p><b>Back-pressure.</b> The connection is not read while more than twice the limit is buffered and nobody waits for
 * more, until half of that is left.
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

    private static final byte[] NOTHING = {};

    private final EventExecutor loop;
    private final int limit;
    private final Flow flow;
    private final ReadBuffer buffer;
    private final Mono<byte[]> readLine = new Read(this, Read.Until.LINE, -1);
    private final Mono<byte[]> readAll = new Read(this, Read.Until.END, -1);
    /** The read that waits; it may have been cancelled since. */
    private @Nullable Reading current;

    private boolean paused;
    private boolean ended;
    /** {@link #ended}, and nothing is left. */
    private volatile boolean atEof;

    private volatile @Nullable Throwable exception;
    /** What a read gets that more bytes would have to come for: the stream was cut off. */
    private @Nullable Throwable truncation;

    /** The source of the bytes, which can be told to wait. */
    interface Flow {
        void pauseReading();

        void resumeReading();
    }

    StreamReader(EventExecutor loop, ByteBufAllocator allocator, int limit, Flow flow) {
        this.loop = loop;
        this.limit = checkLimit(limit);
        this.flow = flow;
        this.buffer = new ReadBuffer(allocator);
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
     * dropped: up to its newline if that has come, else all that is buffered.
     */
    public Mono<byte[]> readLine() {
        return readLine;
    }

    /**
     * Whatever has come, at least one byte and at most {@code n}; empty at the end of the stream. Nothing happens until
     * subscription; cancelling consumes nothing. With {@code n} 0 it gives an array of length 0 at once.
     *
     * @throws IllegalArgumentException if {@code n} is negative; asyncio's {@code read(-1)} is {@link #readAll}
     */
    public Mono<byte[]> read(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("Cannot read " + n + " bytes: use readAll() to read until the end");
        }
        return new Read(this, Read.Until.SOME, n);
    }

    /**
     * Exactly {@code n} bytes, however many that are. If the stream ends before, it fails with
     * {@link IncompleteReadException}, which has what came. Nothing happens until subscription; cancelling consumes
     * nothing.
     *
     * @throws IllegalArgumentException if {@code n} is negative
     */
    public Mono<byte[]> readExactly(int n) {
        if (n < 0) {
            throw new IllegalArgumentException("readExactly size can not be less than zero: " + n);
        }
        return new Read(this, Read.Until.EXACTLY, n);
    }

    /**
     * Everything until the end of the stream, an array of length 0 if nothing comes any more. All of it is held in
     * memory. Nothing happens until subscription; cancelling consumes nothing.
     *
     * <p>asyncio: {@code read(-1)}.
     */
    public Mono<byte[]> readAll() {
        return readAll;
    }

    /**
     * The lines from here to the end of the stream, as {@link #readLine} gives them, one read for each requested.
     * Nothing happens until subscription; cancelling keeps the lines that were not emitted.
     *
     * <p>asyncio: {@code async for line in reader}.
     */
    public Flux<byte[]> lines() {
        return readLine.singleOptional().repeat().takeWhile(Optional::isPresent).map(Optional::get);
    }

    /** Whether the stream has ended and all its bytes were read. */
    public boolean atEof() {
        return atEof;
    }

    @Nullable Throwable exception() {
        return exception;
    }

    // ---- reads, on the loop

    void onLoop(Runnable step) {
        if (loop.inEventLoop()) {
            step.run();
        } else {
            loop.execute(step);
        }
    }

    void start(Reading reading) {
        Reading other = current;
        if (other != null && other.isWaiting()) {
            if (reading.end()) {
                reading.fail(new IllegalStateException(
                        reading.read.until.method + "() called while " + other.read.until.method
                                + "() is already waiting for incoming data: a connection has one reader at a time"));
            }
            return;
        }
        current = null;
        if (!attempt(reading) && !failTruncated(reading)) {
            current = reading;
            if (paused) {
                resume(); // or it would wait for ever: readExactly(more than 2 * limit)
            }
        }
    }

    /** Tries to end a read; false if it must wait. */
    private boolean attempt(Reading reading) {
        Throwable exception = this.exception;
        if (exception != null) {
            if (reading.end()) {
                reading.fail(exception);
            }
            return true;
        }
        int n = reading.read.n;
        return switch (reading.read.until) {
            case SOME -> attemptSome(reading, n);
            case EXACTLY -> attemptExactly(reading, n);
            case LINE -> attemptLine(reading);
            case END -> ended && give(reading, buffer.size());
        };
    }

    private boolean attemptSome(Reading reading, int n) {
        if (n > 0 && buffer.size() == 0) {
            return ended && giveNothing(reading);
        }
        return give(reading, Math.min(n, buffer.size()));
    }

    private boolean attemptExactly(Reading reading, int n) {
        if (buffer.size() >= n) {
            return give(reading, n);
        }
        if (ended && reading.end()) {
            reading.fail(new IncompleteReadException(take(buffer.size()), n));
        }
        return ended;
    }

    private boolean attemptLine(Reading reading) {
        int length = buffer.find((byte) '\n');
        if (length > limit) {
            return overrun(
                    reading, length, length + 1, "Separator is found, but the line is longer than the limit of ");
        }
        if (length >= 0) {
            return give(reading, length + 1);
        }
        int size = buffer.size();
        if (size > limit) {
            return overrun(reading, size, size, "Separator is not found, and what has come exceeds the limit of ");
        }
        if (!ended) {
            return false;
        }
        return size == 0 ? giveNothing(reading) : give(reading, size);
    }

    private boolean failTruncated(Reading reading) {
        Throwable truncation = this.truncation;
        if (truncation != null && reading.end()) {
            reading.fail(truncation);
        }
        return truncation != null;
    }

    private boolean give(Reading reading, int n) {
        if (reading.end()) {
            reading.succeed(n == 0 ? NOTHING : take(n));
        }
        return true;
    }

    private static boolean giveNothing(Reading reading) {
        if (reading.end()) {
            reading.succeedEmpty();
        }
        return true;
    }

    private boolean overrun(Reading reading, int consumed, int dropped, String what) {
        if (reading.end()) {
            buffer.skip(dropped);
            removed();
            reading.fail(new LimitOverrunException(
                    what + limit
                            + " bytes: give openConnection or startServer a higher limit, if such lines are legitimate",
                    consumed));
        }
        return true;
    }

    private byte[] take(int n) {
        byte[] bytes = buffer.take(n);
        removed();
        return bytes;
    }

    private void removed() {
        atEof = ended && buffer.size() == 0;
        if (paused && buffer.size() <= limit) {
            resume();
        }
    }

    private void resume() {
        paused = false;
        flow.resumeReading();
    }

    void putBack(byte[] bytes) {
        if (bytes.length > 0) {
            buffer.putBack(bytes);
            atEof = false;
            wake();
        }
    }

    // ---- the source's side, on the loop

    /** Takes bytes that have come, and owns the buffer from here on. */
    void feed(ByteBuf bytes) {
        if (ended || !bytes.isReadable()) {
            bytes.release();
            return;
        }
        buffer.append(bytes);
        wake();
        if (!paused && !isAwaited() && buffer.size() > 2L * limit) {
            paused = true;
            flow.pauseReading();
        }
    }

    /** The peer will send nothing more. */
    void feedEof() {
        ended = true;
        atEof = buffer.size() == 0;
        wake();
    }

    /** The connection has failed. */
    void fail(Throwable exception) {
        if (exception != truncation) {
            this.exception = exception;
            wake();
        }
    }

    /** Nothing more will come, though something should have: what has come can be read, then reads fail. */
    void truncate(Throwable truncation) {
        this.truncation = truncation;
        wake();
    }

    /** The connection is gone, with or without {@link #fail}. */
    void connectionLost() {
        buffer.moveToHeap();
        if (truncation == null) {
            feedEof();
        }
    }

    /**
     * Gives what came before TLS starts, which must not be taken for what comes through it: nothing, or the ClientHello
     * of a client that did not wait for this.
     *
     * @throws IllegalStateException if it is something else, or somebody reads
     */
    byte[] takeForTls(boolean server) {
        if (isAwaited()) {
            throw new IllegalStateException("startTls() called while somebody waits for incoming data");
        }
        int size = buffer.size();
        if (size == 0) {
            return NOTHING;
        }
        byte[] early = buffer.take(size);
        boolean clientHello = server && early[0] == 22 && (size == 1 || early[1] == 3); // a handshake, of SSL 3 or TLS
        if (!clientHello) {
            buffer.putBack(early);
            throw new IllegalStateException(
                    "Cannot start TLS: " + size + " bytes that came in cleartext are unread, and"
                            + " would be mistaken for what comes encrypted. Somebody may have put them there: close it");
        }
        return early;
    }

    private boolean isAwaited() {
        Reading reading = current;
        return reading != null && reading.isWaiting();
    }

    private void wake() {
        Reading reading = current;
        if (reading != null) {
            current = null; // its subscriber may start the next read on this stack
            if (!attempt(reading) && !failTruncated(reading)) {
                current = reading;
            }
        }
    }

    /** {@code <StreamReader limit=100 eof>}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("<StreamReader");
        if (limit != DEFAULT_LIMIT) {
            text.append(" limit=").append(limit);
        }
        if (atEof) {
            text.append(" eof");
        }
        if (exception != null) {
            text.append(" exception=").append(exception);
        }
        return text.append('>').toString();
    }
}
