package asyncio.queue;

/**
 * Thrown when a queue that was {@linkplain Queue#shutdown shut down} rejects an item, or is asked for one and is empty.
 *
 * <pre>{@code
 * Queue<String> lines = Queue.unbounded();
 * try {
 *     while (true) {
 *         System.out.println(await(lines.get()));
 *     }
 * } catch (QueueShutDownException e) {
 *     System.out.println("the last line has been printed");
 * }
 * }</pre>
 *
 * <p>asyncio: {@code QueueShutDown}.
 */
public class QueueShutDownException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** @param message the description, including the queue */
    public QueueShutDownException(String message) {
        super(message);
    }
}
