package asyncio;

/**
 * A {@link Future} was asked for something that its state does not allow: a result before there is one, a second
 * result.
 *
 * <p>asyncio: {@code InvalidStateError}.
 */
public class InvalidStateException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, in which state */
    public InvalidStateException(String message) {
        super(message);
    }
}
