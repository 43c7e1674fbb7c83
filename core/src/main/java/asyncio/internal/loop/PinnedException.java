package asyncio.internal.loop;

/**
 * A body cannot be suspended on the thread that carries it, since a native method or a class initializer is on its
 * stack. It still has the loop. Of no use to users, who are told otherwise; without a stack of its own.
 */
public final class PinnedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PinnedException() {
        super("pinned", null, false, false);
    }
}
