package asyncio.redis;

import asyncio.sync.AsyncLock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.redisson.RedissonFencedLock;
import org.redisson.api.RedissonClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A lock that several machines share: Redisson's {@code RFencedLock}, with an owner of its own for each permit, so that
 * two requests on one event-loop thread do not both get in.
 *
 * <p><b>Leases.</b> The server gives the lock back when its holder dies; it is renewed as long as the permit is held.
 * How long the lease is says {@code Config.setLockWatchdogTimeout}, 30 seconds by default. Lost while it is held,
 * {@link #withLock} cancels its work and fails with a {@link LeaseLostException}; see {@link RedisPermit}.
 *
 * <p><b>Order.</b> None is promised: waiters on different machines race when the lock is released. It cannot be entered
 * twice by one holder.
 *
 * <p><b>Cancelling.</b> A waiter that is cancelled leaves nothing behind on the server, soon after.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. A task resumes on its loop, any other
 * subscriber on a thread of Redisson's.
 *
 * <pre>{@code
 * RedisLock lock = RedisLock.of(redisson, "stock:4711");
 *
 * await(lock.withLock(reserve(4711)));
 *
 * RedisPermit permit = await(lock.acquire(Duration.ofSeconds(2)));
 * try {
 *     await(store(item, permit.token()));               // the store refuses smaller tokens than it has seen
 * } finally {
 *     await(permit.releaseAndWait());
 * }
 * }</pre>
 *
 * @since 0.1
 */
public final class RedisLock implements AsyncLock {
    /** Beyond all ids of threads, so that {@code RLock}s on the same name, which use those, are other owners. */
    private static final AtomicLong OWNERS = new AtomicLong(1L << 40);

    private final RedissonFencedLock lock;
    private final Duration lease;

    private RedisLock(RedissonFencedLock lock, Duration lease) {
        this.lock = lock;
        this.lease = lease;
    }

    /** Returns the lock of this name; nothing is asked of the server. */
    public static RedisLock of(RedissonClient redisson, String name) {
        return new RedisLock(
                (RedissonFencedLock) redisson.getFencedLock(Objects.requireNonNull(name, "name")),
                Duration.ofMillis(redisson.getConfig().getLockWatchdogTimeout()));
    }

    @Override
    public Mono<RedisPermit> acquire() {
        return new RedisPermits.MonoAcquire(Owner::new, null, this);
    }

    /**
     * {@inheritDoc}
     *
     * @param limit to the millisecond; zero or less takes the lock only if it is free
     */
    @Override
    public Mono<RedisPermit> acquire(Duration limit) {
        return new RedisPermits.MonoAcquire(Owner::new, Objects.requireNonNull(limit, "limit"), this);
    }

    @Override
    public <T> Mono<T> withLock(Mono<T> work) {
        return RedisPermits.use(acquire(), work);
    }

    @Override
    public <T> Flux<T> withLock(Flux<T> work) {
        return RedisPermits.use(acquire(), work);
    }

    /** Whether anyone holds it, on whichever machine. */
    public Mono<Boolean> locked() {
        return Mono.fromCompletionStage(lock::isLockedAsync);
    }

    /** One that wants the lock, and may have it. */
    private final class Owner implements RedisPermits.Candidate {
        private final long id = OWNERS.incrementAndGet();

        /** The token comes with the lock: one that is read afterwards may be another holder's. */
        @Override
        public CompletionStage<?> acquire(long millis) {
            return lock.tryLockAndGetTokenAsync(millis, -1, TimeUnit.MILLISECONDS, id);
        }

        @Override
        public RedisPermit permit(Object token) {
            return new RedisPermit(
                    RedisLock.this.toString(),
                    (Long) token,
                    // Redisson renews it
                    new Lease(RedisLock.this.toString(), lease, () -> lock.isHeldByThreadAsync(id)),
                    () -> lock.unlockAsync(id));
        }
    }

    /** {@code <RedisLock stock:4711>}. */
    @Override
    public String toString() {
        return "<RedisLock " + lock.getName() + ">";
    }
}
