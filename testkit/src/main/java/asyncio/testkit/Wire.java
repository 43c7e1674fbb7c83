package asyncio.testkit;

import java.time.Duration;
import java.util.Random;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The network between two ends in memory, in one direction: how long bytes take, in which pieces they come, how many
 * fit between the ends, and after how many the connection breaks. Immutable, from any thread.
 *
 * <pre>{@code
 * Wire bad = Wire.direct().latency(Duration.ofMillis(50)).chunks(1).resetAfter(100);
 * MemoryPair pair = MemoryPair.open(bad, Wire.direct()); // from the client to the server, and back
 * }</pre>
 */
public final class Wire {
    /** The way in which a connection breaks. */
    enum Cut {
        END,
        RESET,
        STALL
    }

    private static final Duration LONGEST = Duration.ofDays(366);
    private static final int DEFAULT_CAPACITY = 64 * 1024;
    private static final Wire DIRECT =
            new Wire(Duration.ZERO, Integer.MAX_VALUE, null, DEFAULT_CAPACITY, null, Long.MAX_VALUE);

    final Duration latency;
    private final int chunk;
    /** For random chunks of up to {@link #chunk} bytes. */
    private final @Nullable Long seed;

    final int capacity;
    final @Nullable Cut cut;
    final long cutAt;

    private Wire(Duration latency, int chunk, @Nullable Long seed, int capacity, @Nullable Cut cut, long cutAt) {
        this.latency = latency;
        this.chunk = chunk;
        this.seed = seed;
        this.capacity = capacity;
        this.cut = cut;
        this.cutAt = cutAt;
    }

    /** A wire on which bytes arrive in the next tick and as a whole; 64 KiB fit between the ends. */
    public static Wire direct() {
        return DIRECT;
    }

    /**
     * A wire on which bytes arrive so much later, on the loop's clock, in its order.
     *
     * @throws IllegalArgumentException if it is negative or more than a year
     */
    public Wire latency(Duration latency) {
        if (latency.isNegative() || latency.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "A latency must be between 0 and a year, not " + latency + "; for ever is stallAfter(0)");
        }
        return new Wire(latency, chunk, seed, capacity, cut, cutAt);
    }

    /**
     * A wire whose bytes are read in pieces of so many, the last one of fewer, one in each tick. With 1 it shows code
     * that takes the bytes of one read for one message.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Wire chunks(int bytes) {
        return new Wire(latency, positive("A chunk", bytes), null, capacity, cut, cutAt);
    }

    /**
     * As {@link #chunks}, in pieces of 1 to {@code most} bytes, which are the same for each connection with that seed.
     *
     * @throws IllegalArgumentException if {@code most} is not positive
     */
    public Wire randomChunks(int most, long seed) {
        return new Wire(latency, positive("A chunk", most), seed, capacity, cut, cutAt);
    }

    /**
     * So many bytes fit between the ends, like into the socket buffers of both. More stay in the writer's buffer until
     * the reader has read: {@code drain} waits then.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Wire capacity(int bytes) {
        return new Wire(latency, chunk, seed, positive("A capacity", bytes), cut, cutAt);
    }

    /**
     * After so many bytes, counted from the beginning of the connection, the reader gets the end of the stream, as if
     * the writing end had died properly. For that one the connection is reset: it learns so as soon as this can come
     * back, and the reader when it goes on writing.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Wire endAfter(long bytes) {
        return cut(Cut.END, bytes);
    }

    /**
     * After so many bytes, counted from the beginning of the connection, it is reset for both ends.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Wire resetAfter(long bytes) {
        return cut(Cut.RESET, bytes);
    }

    /**
     * After so many bytes, counted from the beginning of the connection, nothing comes any more, and nobody is told: no
     * byte, end or reset. What is sent fills the {@link #capacity}, and goes on when the transit {@link Transit#become
     * becomes} another wire: until then only the reader's own time limit helps it.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Wire stallAfter(long bytes) {
        return cut(Cut.STALL, bytes);
    }

    private Wire cut(Cut cut, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("A connection cannot be cut after " + bytes + " bytes: use >= 0");
        }
        return new Wire(latency, chunk, seed, capacity, cut, bytes);
    }

    private static int positive(String what, int bytes) {
        if (bytes <= 0) {
            throw new IllegalArgumentException(what + " must be of at least 1 byte, not " + bytes);
        }
        return bytes;
    }

    /** The sizes of the pieces of one connection. */
    IntSupplier chunkSizes() {
        if (seed == null) {
            return () -> chunk;
        }
        Random random = new Random(seed);
        return () -> 1 + random.nextInt(chunk);
    }

    /** {@code <Wire latency=PT0.05S chunks=1 capacity=65536 RESET after 100>}. */
    @Override
    public String toString() {
        return "<Wire latency=" + latency
                + (chunk == Integer.MAX_VALUE ? "" : " chunks=" + (seed == null ? "" : "1 to ") + chunk)
                + (seed == null ? "" : " seed=" + seed)
                + " capacity=" + capacity
                + (cut == null ? "" : " " + cut + " after " + cutAt) + ">";
    }
}
