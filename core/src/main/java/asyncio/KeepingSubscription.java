package asyncio;

import java.util.function.BooleanSupplier;
import org.reactivestreams.Subscription;

/**
 * The subscription of a source that keeps its unsignalled values: a queue's items, a reader's bytes. A task that awaits
 * it directly asks it to end ({@link AwaitedSubscription}). With operators in between, the task disposes of them when
 * it takes its next step, and a value that came before that would be lost in them: so it tells the source at once. For
 * authors of sources.
 */
public interface KeepingSubscription extends Subscription {
    /**
     * The task is being cancelled; {@link #cancel} follows. Until then no value must leave the source. Called from any
     * thread; runs no operator.
     *
     * @param cancelled tells whether this still holds, for a source with a value that waits for the subscriber's turn:
     *     cancellations can be taken back
     */
    void withhold(BooleanSupplier cancelled);
}
