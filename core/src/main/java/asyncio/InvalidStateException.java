package asyncio;

/**
 * Thrown when an operation on a {@link Future} is not allowed in its state: getting a result before there is one, or
 * setting a second result.
 *
 * <p>asyncio: {@code InvalidStateError}.
 */
public class InvalidStateException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message the operation and the state */
    public InvalidStateException(String message) {
        super(message);
    }
}
