package asyncio.streams;

import java.io.EOFException;

/**
 * The stream ended before all bytes asked for had come.
 *
 * <p>asyncio: {@code IncompleteReadError}.
 */
public class IncompleteReadException extends EOFException {
    private static final long serialVersionUID = 1L;

    private final byte[] partial;
    private final int expected;

    /**
     * @param partial the bytes that had come
     * @param expected how many were asked for
     */
    public IncompleteReadException(byte[] partial, int expected) {
        super(partial.length + " bytes read on a total of " + expected + " expected bytes");
        this.partial = partial.clone();
        this.expected = expected;
    }

    /**
     * The stream ended before a separator had come.
     *
     * @param partial the bytes that had come
     */
    public IncompleteReadException(byte[] partial) {
        super(partial.length + " bytes read on a total of undefined expected bytes");
        this.partial = partial.clone();
        this.expected = -1;
    }

    /** @param expected -1 for a separator; the array is not copied */
    IncompleteReadException(byte[] partial, int expected, ReaderSource source) {
        super(partial.length + " bytes read on a total of " + (expected < 0 ? "undefined" : expected)
                + " expected bytes" + source.suffix());
        this.partial = partial;
        this.expected = expected;
    }

    /** The bytes that had come before the end; the reader has dropped them. */
    public byte[] partial() {
        return partial.clone();
    }

    /**
     * Returns the number of bytes that were asked for; -1 if it was not a number but a separator, for asyncio's
     * {@code None}.
     */
    public int expected() {
        return expected;
    }
}
