package asyncio.queue;

/**
 * There is no item, and the caller would not wait: {@link Queue#getNowait}.
 *
 * <p>asyncio: {@code QueueEmpty}.
 */
public class QueueEmptyException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, with the queue */
    public QueueEmptyException(String message) {
        super(message);
    }
}
