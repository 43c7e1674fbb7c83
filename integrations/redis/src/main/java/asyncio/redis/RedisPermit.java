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
 * The right to be inside a lock or a semaphore, as a lease on the server: it is renewed as long as this permit is held,
 * and ended by the server if this process dies. It belongs to this object, not to a thread: any thread may release it.
 *
 * <p>Unlike a local permit, it can be lost while it is held: if the process stops, or the network fails, for longer
 * than the lease, another machine may get the permit. {@link #lost()} reports that, {@code withLock} then cancels its
 * work, and {@link #token()} lets a store reject late writes.
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
    /** Completes when the permit is released on the server. */
    private final CompletableFuture<Void> freed = new CompletableFuture<>();

    /**
     * Creates a permit that was just granted.
     *
     * @param of the source of the permit, for messages
     * @param lease the lease of this permit
     * @param free releases it on the server
     */
    RedisPermit(String of, @Nullable Long token, Lease lease, Supplier<CompletionStage<?>> free) {
        this.of = of;
        this.token = token;
        this.lease = lease;
        this.free = free;
    }

    /**
     * Returns the fencing token, which is larger than those of all earlier holders. A store that rejects tokens smaller
     * than one it has seen is also safe from a holder that does not yet know that it has lost its lease. Pass the token
     * with reads too: otherwise a late holder may write between your read and your write.
     *
     * @throws UnsupportedOperationException for a permit of a {@link RedisSemaphore} or {@link RedisReadWriteLock}
     */
    public long token() {
        if (token == null) {
            throw new UnsupportedOperationException(
                    "A permit of " + of + " has no fencing token; one of a RedisLock has");
        }
        return token;
    }

    /**
     * Returns a Mono that fails with a {@link LeaseLostException} when the lease is lost, and never completes
     * otherwise. Cancelling it does not affect the permit.
     */
    public Mono<Void> lost() {
        return lease.lost();
    }

    /** Returns whether the lease is known to be lost. */
    public boolean isLost() {
        return lease.isLost();
    }

    /**
     * Releases the permit, and completes empty when the server has done so, or when that has failed, as for
     * {@link #release}. Nothing happens until subscription; cancelling only ends the wait. Further calls wait for the
     * first.
     */
    public Mono<Void> releaseAndWait() {
        return Mono.defer(() -> {
            release();
            return Mono.fromFuture(freed, true);
        });
    }

    /** Starts to release the permit; an error is logged, and the permit is then free when the lease expires. */
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
                LOG.warn(
                        "Could not release " + of + "; it is free when its lease of " + lease.time() + " expires",
                        RedisPermits.cause(e));
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
