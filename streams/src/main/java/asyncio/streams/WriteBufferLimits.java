package asyncio.streams;

/**
 * Limits of a write buffer, in bytes.
 *
 * <p>asyncio: the pair that {@code get_write_buffer_limits} returns.
 *
 * @param low the size down to which the buffer must drain before a paused protocol is resumed
 * @param high the size above which a protocol is paused
 * @since 0.1
 */
public record WriteBufferLimits(int low, int high) {
    /** 16 KiB and 64 KiB, the limits of a new connection without TLS. */
    public static final WriteBufferLimits DEFAULT = new WriteBufferLimits(16 * 1024, 64 * 1024);

    /**
     * Checks the limits.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    public WriteBufferLimits {
        if (low < 0 || high < low) {
            throw new IllegalArgumentException("high (" + high + ") must be >= low (" + low + ") must be >= 0");
        }
    }

    /** The limits with a quarter of {@code high} for {@code low}. */
    public static WriteBufferLimits ofHigh(int high) {
        return new WriteBufferLimits(high / 4, high);
    }

    /** The limits with four times {@code low} for {@code high}. */
    public static WriteBufferLimits ofLow(int low) {
        return new WriteBufferLimits(low, (int) Math.min(Integer.MAX_VALUE, 4L * low));
    }
}
