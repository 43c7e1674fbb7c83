package asyncio.queue;

/**
 * Thrown by a subscription of a {@link Broadcast} that was disconnected because its buffer was full, as chosen with
 * {@link Broadcast.Overflow#DISCONNECT}.
 *
 * @since 0.1.0
 */
public class SlowSubscriberException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message the description, including the buffer */
    public SlowSubscriberException(String message) {
        super(message);
    }
}
