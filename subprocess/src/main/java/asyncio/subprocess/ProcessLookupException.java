package asyncio.subprocess;

/**
 * A signal for a child that has ended.
 *
 * <p>asyncio: {@code ProcessLookupError}.
 */
public class ProcessLookupException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message which signal, and for which child */
    public ProcessLookupException(String message) {
        super(message);
    }
}
