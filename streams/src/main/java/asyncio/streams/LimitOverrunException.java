package asyncio.streams;

import java.io.IOException;

/**
 * A line is longer than the reader's limit, which guards the memory against peers that never end one.
 *
 * <p>asyncio: {@code LimitOverrunError}; from {@code readline} a {@code ValueError}.
 */
public class LimitOverrunException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int consumed;

    /**
     * @param message what happened, with the limit
     * @param consumed see {@link #consumed()}
     */
    public LimitOverrunException(String message, int consumed) {
        super(message);
        this.consumed = consumed;
    }

    /** How many bytes stood before the separator, or had come without one. */
    public int consumed() {
        return consumed;
    }
}
