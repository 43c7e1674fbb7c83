package asyncio.streams;

/**
 * Sizes of a write buffer, in bytes.
 *
 * <p>asyncio: what {@code get_write_buffer_limits} returns.
 *
 * @param low down to which a paused protocol is resumed
 * @param high above which a protocol is paused
 * @since 0.1
 */
public record WriteBufferLimits(int low, int high) {
    /**
     * Checks them.
     *
     * @throws IllegalArgumentException unless {@code high >= low >= 0}
     */
    public WriteBufferLimits {
        if (low < 0 || high < low) {
            throw new IllegalArgumentException("high (" + high + ") must be >= low (" + low + ") must be >= 0");
        }
    }
}
