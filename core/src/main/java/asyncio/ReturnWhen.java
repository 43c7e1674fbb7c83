package asyncio;

/**
 * The condition that {@link Asyncio#waitTasks} waits for. asyncio: the constants of {@code wait}'s {@code return_when}.
 */
public enum ReturnWhen {
    /** All are done. */
    ALL_COMPLETED,
    /** At least one is done: with a result, with an exception, or cancelled. */
    FIRST_COMPLETED,
    /** At least one has ended with an exception, which a cancellation is not; or all are done. */
    FIRST_EXCEPTION
}
