package asyncio.testkit;

/**
 * Thrown when a test takes too long, in virtual or in real time. The message shows the tasks as a tree of waits, with
 * the lines of code.
 */
public final class TimeLimitError extends AssertionError {
    private static final long serialVersionUID = 1;

    TimeLimitError(String message) {
        super(message);
    }
}
