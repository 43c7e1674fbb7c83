package asyncio.testkit;

/**
 * A test took too long, in virtual or in real time. The message has the tasks as a tree, who waits for whom, with the
 * lines of code.
 */
public final class TimeLimitError extends AssertionError {
    private static final long serialVersionUID = 1;

    TimeLimitError(String message) {
        super(message);
    }
}
