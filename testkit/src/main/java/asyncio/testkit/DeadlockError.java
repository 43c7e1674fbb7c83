package asyncio.testkit;

/**
 * Thrown when nothing can happen any more but tasks are still waiting: no callback is ready, no timer is set, and no
 * event is expected from a socket or another thread. The message shows the tasks as a tree of waits, with the lines of
 * code.
 */
public final class DeadlockError extends AssertionError {
    private static final long serialVersionUID = 1;

    DeadlockError(String message) {
        super(message);
    }
}
