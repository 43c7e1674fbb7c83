package asyncio.queue;

/**
 * A subscription of a {@link Broadcast} was ended because its buffer was full, as it had chosen:
 * {@link Broadcast.Overflow#DISCONNECT}.
 *
 * @since 0.1.0
 */
public class SlowSubscriberException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message what happened, with the buffer */
    public SlowSubscriberException(String message) {
        super(message);
    }
}
