package asyncio.queue;

/**
 * There is no room, and the caller would not wait: {@link Queue#putNowait}.
 *
 * <p>asyncio: {@code QueueFull}.
 */
public class QueueFullException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, with the queue */
    public QueueFullException(String message) {
        super(message);
    }
}
