package asyncio.subprocess;

/**
 * Thrown when a signal is sent to a child that has ended.
 *
 * <p>asyncio: {@code ProcessLookupError}.
 */
public class ProcessLookupException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message names the signal and the child */
    public ProcessLookupException(String message) {
        super(message);
    }
}
