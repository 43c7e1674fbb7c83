package asyncio.streams;

/**
 * Says that the operating system cannot send a file by itself, and that the fallback was not allowed. Nothing was sent.
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
