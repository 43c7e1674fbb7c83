package asyncio;

/**
 * Straight-line code without a result that may call {@link Asyncio#await await}. Code with a result is a
 * {@link ValueBody}, or any {@link java.util.concurrent.Callable}.
 */
@FunctionalInterface
public interface Body {
    /** Runs the body; an exception becomes the outcome of the task that runs it, unwrapped. */
    void run() throws Exception;
}
