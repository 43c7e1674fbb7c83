package asyncio.streams;

/**
 * Thrown when the operating system cannot send a file directly and the fallback was not allowed. Nothing was sent.
 *
 * <p>asyncio: {@code SendfileNotAvailableError}.
 *
 * @since 0.1
 */
public final class SendfileNotAvailableException extends UnsupportedOperationException {
    private static final long serialVersionUID = 1;

    SendfileNotAvailableException(String message) {
        super(message);
    }
}
