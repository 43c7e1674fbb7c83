package asyncio.testkit;

import java.time.Duration;
import java.util.Random;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One direction of the network between two ends in memory: the latency of the bytes, the size of the pieces in which
 * they arrive, the capacity between the ends, and the number of bytes after which the connection breaks. Immutable and
 * thread-safe.
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
    /** The seed for random chunks of up to {@link #chunk} bytes; null for fixed ones. */
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

    /** Returns a wire on which bytes arrive in the next tick, all at once; its capacity is 64 KiB. */
    public static Wire direct() {
        return DIRECT;
    }

    /**
     * Returns a wire on which bytes arrive in order after this latency, by the loop's clock.
     *
     * @throws IllegalArgumentException if {@code latency} is negative or more than a year
     */
    public Wire latency(Duration latency) {
        if (latency.isNegative() || latency.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "A latency must be between 0 and a year, not " + latency + "; use stallAfter(0) for forever");
        }
        return new Wire(latency, chunk, seed, capacity, cut, cutAt);
    }

    /**
     * Returns a wire on which bytes are read in pieces of this size, the last one possibly smaller, one in each tick. A
     * size of 1 exposes code that takes the bytes of one read for one message.
     *
     * @throws IllegalArgumentException if {@code bytes} is not positive
     */
    public Wire chunks(int bytes) {
        return new Wire(latency, positive("A chunk", bytes), null, capacity, cut, cutAt);
    }

    /**
     * Like {@link #chunks}, in pieces of 1 to {@code most} bytes; their sizes are the same for each connection with
     * that seed.
     *
     * @throws IllegalArgumentException if {@code most} is not positive
     */
    public Wire randomChunks(int most, long seed) {
        return new Wire(latency, positive("A chunk", most), seed, capacity, cut, cutAt);
    }

    /**
     * Returns a wire with this capacity between the ends, like that of the socket buffers of both. Further bytes stay
     * in the writer's buffer until the reader has read: {@code drain} then waits.
     *
     * @throws IllegalArgumentException if {@code bytes} is not positive
     */
    public Wire capacity(int bytes) {
        return new Wire(latency, chunk, seed, positive("A capacity", bytes), cut, cutAt);
    }

    /**
     * Returns a wire on which the reader receives the end of the stream after this many bytes since the start of the
     * connection, as if the writing end had closed it. For the writing end the connection is reset: it learns so as
     * soon as the reset can travel back, and the reader when it continues to write.
     *
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public Wire endAfter(long bytes) {
        return cut(Cut.END, bytes);
    }

    /**
     * Returns a wire on which the connection is reset for both ends after this many bytes since its start.
     *
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public Wire resetAfter(long bytes) {
        return cut(Cut.RESET, bytes);
    }

    /**
     * Returns a wire that stalls after this many bytes since the start of the connection: nothing arrives any more,
     * neither a byte nor an end nor a reset. Further bytes fill the {@link #capacity}, and continue when the transit
     * {@link Transit#become becomes} another wire; until then only the reader's own time limit helps.
     *
     * @throws IllegalArgumentException if {@code bytes} is negative
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

    /** Returns the sizes of the pieces of one connection. */
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
