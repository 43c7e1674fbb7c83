package asyncio.queue;

/**
 * Thrown by {@link Queue#getNowait} when there is no item.
 *
 * <p>asyncio: {@code QueueEmpty}.
 */
public class QueueEmptyException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message the description, including the queue */
    public QueueEmptyException(String message) {
        super(message);
    }
}
