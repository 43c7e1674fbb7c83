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
 * A lock shared by several machines: Redisson's {@code RFencedLock}, with a separate owner for each permit, so that two
 * requests on the same event-loop thread cannot both hold it.
 *
 * <p><b>Leases.</b> The lock is leased, and the lease is renewed as long as the permit is held; the server releases the
 * lock if its holder dies. {@code Config.setLockWatchdogTimeout} sets the length of the lease, 30 seconds by default.
 * If the lease is lost while the lock is held, {@link #withLock} cancels its work and fails with a
 * {@link LeaseLostException}; see {@link RedisPermit}.
 *
 * <p><b>Order.</b> None is guaranteed: waiters on different machines race when the lock is released. The lock is not
 * reentrant.
 *
 * <p><b>Cancelling.</b> Shortly after a waiter is cancelled, it has left nothing behind on the server.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. A task resumes on its loop, any other
 * subscriber on one of Redisson's threads.
 *
 * <pre>{@code
 * RedisLock lock = RedisLock.of(redisson, "stock:4711");
 *
 * await(lock.withLock(reserve(4711)));
 *
 * RedisPermit permit = await(lock.acquire(Duration.ofSeconds(2)));
 * try {
 *     await(store(item, permit.token()));               // the store rejects tokens smaller than it has seen
 * } finally {
 *     await(permit.releaseAndWait());
 * }
 * }</pre>
 *
 * @since 0.1
 */
public final class RedisLock implements AsyncLock {
    /** Starts beyond all thread ids, so that {@code RLock}s of the same name, which use those, are different owners. */
    private static final AtomicLong OWNERS = new AtomicLong(1L << 40);

    private final RedissonFencedLock lock;
    private final Duration lease;

    private RedisLock(RedissonFencedLock lock, Duration lease) {
        this.lock = lock;
        this.lease = lease;
    }

    /** Returns the lock of this name, without contacting the server. */
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
     * @param limit the time limit, in whole milliseconds; zero or less takes the lock only if it is free
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

    /** Whether the lock is held, on any machine. */
    public Mono<Boolean> locked() {
        return Mono.fromCompletionStage(lock::isLockedAsync);
    }

    /** A candidate for the lock, and its owner once acquired. */
    private final class Owner implements RedisPermits.Candidate {
        private final long id = OWNERS.incrementAndGet();

        /** Acquires the lock together with the token: a token read afterwards may be another holder's. */
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
