package asyncio.bridge;

/** Whether cancelling on one side of a bridge reaches the work on the other side. */
public enum Cancellation {
    /** It does: nobody else wants the result. */
    PROPAGATE,
    /**
     * It does not: the work is shared, or must not be left half done. Its result, when it comes, goes to
     * {@code Operators.onDiscard}, its error to {@code Operators.onErrorDropped}.
     */
    DETACH
}
