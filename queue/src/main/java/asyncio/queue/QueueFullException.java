package asyncio.queue;

/**
 * Thrown by {@link Queue#putNowait} when there is no room.
 *
 * <p>asyncio: {@code QueueFull}.
 */
public class QueueFullException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message the description, including the queue */
    public QueueFullException(String message) {
        super(message);
    }
}
