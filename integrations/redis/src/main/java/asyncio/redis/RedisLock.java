package asyncio.redis;

import asyncio.sync.AsyncLock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.redisson.RedissonFencedLock;
import org.redisson.api.RFencedLock;
import org.redisson.api.RLock;
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

    private final RLock lock;
    private final Attempt attempt;
    private final String text;
    private final Duration lease;

    private RedisLock(RLock lock, Attempt attempt, String text, Duration lease) {
        this.lock = lock;
        this.attempt = attempt;
        this.text = text;
        this.lease = lease;
    }

    /** Returns the lock of this name, without contacting the server. */
    public static RedisLock of(RedissonClient redisson, String name) {
        RFencedLock lock = redisson.getFencedLock(Objects.requireNonNull(name, "name"));
        return fenced(
                lock,
                lock instanceof RedissonFencedLock direct
                        ? (millis, owner) -> direct.tryLockAndGetTokenAsync(millis, -1, TimeUnit.MILLISECONDS, owner)
                        : inSteps(lock),
                leaseOf(redisson));
    }

    static RedisLock fenced(RFencedLock lock, Attempt attempt, Duration lease) {
        return new RedisLock(lock, attempt, "<RedisLock " + lock.getName() + ">", lease);
    }

    static RedisLock withoutTokens(RLock lock, String text, Duration lease) {
        return new RedisLock(
                lock,
                (millis, owner) -> lock.tryLockAsync(millis, -1, TimeUnit.MILLISECONDS, owner)
                        .thenApply(held -> held ? "held" : null),
                text,
                lease);
    }

    static Duration leaseOf(RedissonClient redisson) {
        return Duration.ofMillis(redisson.getConfig().getLockWatchdogTimeout());
    }

    /** Acquires the lock for an owner: its token if it has one, null if the time was up. */
    interface Attempt {
        CompletionStage<?> acquire(long millis, long owner);
    }

    /**
     * Acquires a lock with Redisson's public interface, which has no owners for the call that returns the token, too.
     * The token is read afterwards, and is this owner's if it still holds the lock after that.
     */
    static Attempt inSteps(RFencedLock lock) {
        return (millis, owner) -> lock.tryLockAsync(millis, -1, TimeUnit.MILLISECONDS, owner)
                .<@Nullable Long>thenCompose(
                        held -> held ? tokenOf(lock, owner) : CompletableFuture.<@Nullable Long>completedFuture(null));
    }

    private static CompletionStage<@Nullable Long> tokenOf(RFencedLock lock, long owner) {
        return lock.getTokenAsync()
                .thenCompose(token ->
                        lock.isHeldByThreadAsync(owner).<@Nullable Long>thenApply(held -> held ? token : null));
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

    /** Returns whether the lock is held, on any machine; of a {@link RedisReadWriteLock}, by readers or by a writer. */
    public Mono<Boolean> locked() {
        return Mono.fromCompletionStage(lock::isLockedAsync);
    }

    /** A candidate for the lock, and its owner once acquired. */
    private final class Owner implements RedisPermits.Candidate {
        private final long id = OWNERS.incrementAndGet();

        @Override
        public CompletionStage<?> acquire(long millis) {
            return attempt.acquire(millis, id);
        }

        @Override
        public void failed() {
            lock.unlockAsync(id).exceptionally(e -> null); // it holds nothing, or its lease ends that
        }

        @Override
        public RedisPermit permit(Object acquired) {
            return new RedisPermit(
                    text,
                    acquired instanceof Long token ? token : null,
                    new Lease(text, lease, () -> lock.isHeldByThreadAsync(id)), // Redisson renews it
                    () -> lock.unlockAsync(id));
        }
    }

    /** {@code <RedisLock stock:4711>}. */
    @Override
    public String toString() {
        return text;
    }
}
