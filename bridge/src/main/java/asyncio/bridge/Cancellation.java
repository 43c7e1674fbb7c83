package asyncio.bridge;

/** Whether cancelling on one side of a bridge reaches the work on the other side. */
public enum Cancellation {
    /** It does: the result has no other receiver. */
    PROPAGATE,
    /**
     * It does not: the work is shared, or must not be left half done. A later result goes to
     * {@code Operators.onDiscard}, an error to {@code Operators.onErrorDropped}.
     */
    DETACH
}
