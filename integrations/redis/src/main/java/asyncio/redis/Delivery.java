package asyncio.redis;

import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;

/**
 * An item of a {@link RedisQueue}, leased to the owner of this object: no other consumer gets it as long as the lease
 * is renewed, that is, until {@link #ack} or {@link #release}, or until this process dies.
 *
 * <pre>{@code
 * Mono<Void> one(RedisQueue<String> queue) {
 *     return queue.get().flatMap(delivery -> {
 *         System.out.println(delivery.item());
 *         return delivery.ack();
 *     });
 * }
 * }</pre>
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

    /** Returns the number of deliveries, including this one: more than 1 if a consumer did not acknowledge it. */
    public long count() {
        return count;
    }

    /**
     * Acknowledges the item, which is then not delivered again, and completes empty when the server has done so.
     * Nothing happens until subscription; cancelling only ends the wait. Even after the lease is lost this acknowledges
     * the item for all, although another consumer may have it.
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

    /** Releases the item: it is delivered again, here or elsewhere, when the lease expires. */
    public void release() {
        lease.end();
    }

    /**
     * Returns a Mono that fails with a {@link LeaseLostException} when the lease is lost, and never completes
     * otherwise.
     */
    public Mono<Void> lost() {
        return lease.lost();
    }

    /** Returns whether the lease is known to be lost: another consumer may have it. */
    public boolean isLost() {
        return lease.isLost();
    }

    @Override
    public String toString() {
        return "<delivery " + count + " of " + item + ">";
    }
}
