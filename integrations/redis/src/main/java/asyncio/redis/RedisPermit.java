package asyncio.redis;

import asyncio.sync.Permit;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.Logger;
import reactor.util.Loggers;

/**
 * The right to be in, as a lease that the server keeps: it is renewed as long as this is held, and given back by the
 * server itself if this process dies. It belongs to this object, not to a thread: any thread may release it.
 *
 * <p>The one thing that a local permit cannot do: be lost while it is held. A process that stands still for longer than
 * the lease, or a network that is away for as long, and another machine is in. {@link #lost()} tells, {@code withLock}
 * cancels its work then, and {@link #token()} keeps a store from taking what comes too late.
 *
 * @since 0.1
 */
public final class RedisPermit implements Permit {
    private static final Logger LOG = Loggers.getLogger("asyncio");

    private final String of;
    private final @Nullable Long token;
    private final Lease lease;
    private final Supplier<CompletionStage<?>> free;
    private final AtomicBoolean released = new AtomicBoolean();
    /** Done when the server has it back. */
    private final CompletableFuture<Void> freed = new CompletableFuture<>();

    /**
     * A permit that was just granted.
     *
     * @param of what it is a permit of, for messages
     * @param lease of this permit
     * @param free gives it back
     */
    RedisPermit(String of, @Nullable Long token, Lease lease, Supplier<CompletionStage<?>> free) {
        this.of = of;
        this.token = token;
        this.lease = lease;
        this.free = free;
    }

    /**
     * Returns the fencing token, which is larger than that of every holder before. A store that refuses a token smaller
     * than one it has seen is safe also from a holder that does not know yet that it has lost its lease. Show it with
     * reads as well: else one that is late may write between your read and your write.
     *
     * @throws UnsupportedOperationException for a permit of a semaphore, whose holders are no sequence
     */
    public long token() {
        if (token == null) {
            throw new UnsupportedOperationException(
                    "A permit of " + of + " has no fencing token: several hold one at a time");
        }
        return token;
    }

    /**
     * Fails with a {@link LeaseLostException} when the lease is lost, and does not complete otherwise. Cancelling
     * leaves the permit alone.
     */
    public Mono<Void> lost() {
        return lease.lost();
    }

    /** Whether the lease is known to be lost. */
    public boolean isLost() {
        return lease.isLost();
    }

    /**
     * Gives it back, and completes, empty, when the server has it. Nothing happens until subscription; cancelling ends
     * the waiting only. A second time it waits for the first.
     */
    public Mono<Void> releaseAndWait() {
        return Mono.defer(() -> {
            release();
            return Mono.fromFuture(freed, true);
        });
    }

    /** Begins to give it back; an error is logged, and the server has it back when the lease is over. */
    @Override
    public void release() {
        if (!released.compareAndSet(false, true)) {
            return;
        }
        boolean held = lease.end();
        CompletionStage<?> freeing;
        try {
            freeing = free.get();
        } catch (RuntimeException e) {
            freeing = CompletableFuture.failedFuture(e);
        }
        freeing.whenComplete((done, e) -> {
            if (e != null && held) {
                LOG.warn("Could not give back " + of + "; the server has it back when the lease is over", e);
            }
            freed.complete(null);
        });
    }

    @Override
    public int permits() {
        return 1;
    }

    @Override
    public boolean isReleased() {
        return released.get();
    }

    @Override
    public String toString() {
        return "<permit of " + of + (token == null ? "" : ", token " + token)
                + (released.get() ? ", released" : isLost() ? ", lost" : "") + ">";
    }
}
