package asyncio.redis;

import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/**
 * An item of a {@link RedisQueue}, leased to the one that has this: others do not get it as long as the lease is
 * renewed, which it is until {@link #ack} or {@link #release}, or until this process dies.
 *
 * @param <T> the type of the item
 * @since 0.1
 */
public final class Delivery<T> {
    private final T item;
    private final long count;
    private final Lease lease;
    private final Supplier<? extends CompletionStage<?>> done;

    Delivery(T item, long count, Lease lease, Supplier<? extends CompletionStage<?>> done) {
        this.item = item;
        this.count = count;
        this.lease = lease;
        this.done = done;
    }

    /** Returns the item. */
    public T item() {
        return item;
    }

    /** Returns how often it was delivered, this time included: more than 1 if a consumer did not acknowledge it. */
    public long count() {
        return count;
    }

    /**
     * Says that it is done with, and completes, empty, when the server knows: it is not delivered again. Nothing
     * happens until subscription; cancelling ends the waiting only. Once the lease is lost this is still an end for
     * all, although another consumer may have it.
     *
     * <p>asyncio: {@code Queue.task_done}.
     */
    public Mono<Void> ack() {
        return Mono.fromFuture(
                        () -> {
                            lease.end();
                            return done.get().toCompletableFuture();
                        },
                        true)
                .then();
    }

    /** Lets go of it: it is delivered again, here or elsewhere, when the lease is over. */
    public void release() {
        lease.end();
    }

    /** Fails with a {@link LeaseLostException} when the lease is lost, and does not complete otherwise. */
    public Mono<Void> lost() {
        return lease.lost();
    }

    /** Whether the lease is known to be lost: another consumer may have it. */
    public boolean isLost() {
        return lease.isLost();
    }

    @Override
    public String toString() {
        return "<delivery " + count + " of " + item + ">";
    }
}
