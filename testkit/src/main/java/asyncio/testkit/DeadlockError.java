package asyncio.testkit;

/**
 * Nothing can happen any more, and somebody still waits: no callback is ready, no timer is set, nothing is expected
 * from a socket or another thread. The message has the tasks as a tree, who waits for whom, with the lines of code.
 */
public final class DeadlockError extends AssertionError {
    private static final long serialVersionUID = 1;

    DeadlockError(String message) {
        super(message);
    }
}
