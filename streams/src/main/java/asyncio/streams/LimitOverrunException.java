package asyncio.streams;

import java.io.IOException;

/**
 * Thrown when a line, or the text before a separator, is longer than the reader's limit. The limit protects memory
 * against peers that never end a line.
 *
 * <p>asyncio: {@code LimitOverrunError}; from {@code readline} a {@code ValueError}.
 */
public class LimitOverrunException extends IOException {
    private static final long serialVersionUID = 1L;

    private final int consumed;

    /**
     * @param message describes the error and names the limit
     * @param consumed see {@link #consumed()}
     */
    public LimitOverrunException(String message, int consumed) {
        super(message);
        this.consumed = consumed;
    }

    /**
     * Returns the number of bytes before the separator, or of those that arrived and cannot be part of one. After
     * {@link StreamReader#readUntil} they are still buffered, for {@code readExactly(consumed)}; after
     * {@link StreamReader#readLine} they are dropped.
     */
    public int consumed() {
        return consumed;
    }
}
