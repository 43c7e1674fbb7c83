package asyncio;

import java.util.function.BooleanSupplier;
import org.reactivestreams.Subscription;

/**
 * The subscription of a source that keeps what it has not signalled: a queue's items, a reader's bytes. A task that
 * awaits it directly asks it to end ({@link AwaitedSubscription}). With operators in between, the task disposes of them
 * when it takes its next step, and what came before that would be lost in them: so it tells the source at once. For
 * authors of sources.
 */
public interface KeepingSubscription extends Subscription {
    /**
     * The task is being cancelled; {@link #cancel} is to follow. Until then nothing must leave the source. From any
     * thread; runs no operator.
     *
     * @param cancelled whether that is still true, for a source whose value is on its way to the subscriber's turn:
     *     cancellations can be taken back
     */
    void withhold(BooleanSupplier cancelled);
}
