package asyncio.internal.loop;

/**
 * Thrown if a body cannot be suspended on the thread that carries it, since a native method or a class initializer is
 * on its stack. The body still holds the loop. Internal: users get another exception. It has no stack trace.
 */
public final class PinnedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PinnedException() {
        super("pinned", null, false, false);
    }
}
