package asyncio.queue;

/**
 * The queue takes no more items, or has none left to give: {@link Queue#shutdown} was called.
 *
 * <p>asyncio: {@code QueueShutDown}.
 */
public class QueueShutDownException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, with the queue */
    public QueueShutDownException(String message) {
        super(message);
    }
}
