package asyncio.streams;

import java.io.EOFException;

/**
 * Thrown when the stream ends before all requested bytes have arrived.
 *
 * <p>asyncio: {@code IncompleteReadError}.
 */
public class IncompleteReadException extends EOFException {
    private static final long serialVersionUID = 1L;

    private final byte[] partial;
    private final int expected;

    /**
     * Creates an exception for a number of bytes.
     *
     * @param partial the bytes that had arrived
     * @param expected the number of bytes requested
     */
    public IncompleteReadException(byte[] partial, int expected) {
        super(partial.length + " bytes read on a total of " + expected + " expected bytes");
        this.partial = partial.clone();
        this.expected = expected;
    }

    /**
     * Creates an exception for a separator.
     *
     * @param partial the bytes that had arrived
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

    /** The bytes that had arrived before the end; the reader has dropped them. */
    public byte[] partial() {
        return partial.clone();
    }

    /** Returns the number of bytes requested; -1 if a separator was requested, where asyncio has {@code None}. */
    public int expected() {
        return expected;
    }
}
