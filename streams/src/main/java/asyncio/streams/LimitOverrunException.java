package asyncio.streams;

import java.io.IOException;

/**
 * A line, or what comes before a separator, is longer than the reader's limit, which guards the memory against peers
 * that never end one.
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

    /**
     * Returns the number of bytes that stood before the separator, or had come and cannot be part of one. After
     * {@link StreamReader#readUntil} they are still there, for {@code readExactly(consumed)}; after
     * {@link StreamReader#readLine} they are dropped.
     */
    public int consumed() {
        return consumed;
    }
}
