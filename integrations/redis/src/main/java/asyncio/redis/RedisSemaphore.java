package asyncio.redis;

import asyncio.sync.AsyncSemaphore;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.redisson.api.RPermitExpirableSemaphore;
import org.redisson.api.RedissonClient;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A semaphore shared by several machines: Redisson's {@code RPermitExpirableSemaphore}. Leases, order, cancelling and
 * threading are those of {@link RedisLock}; its permits have no fencing token.
 *
 * <p><b>Clocks.</b> Leases are compared by the clocks of the machines that acquire: one that is ahead by two thirds of
 * a lease takes permits that others hold.
 *
 * <pre>{@code
 * RedisSemaphore calls = RedisSemaphore.of(redisson, "partner-api", Duration.ofSeconds(30));
 * await(calls.setPermits(8));                                       // only the first call has an effect
 *
 * Reply reply = await(calls.withPermit(ask()));
 * }</pre>
 *
 * @since 0.1
 */
public final class RedisSemaphore implements AsyncSemaphore {
    private final RPermitExpirableSemaphore semaphore;
    private final Duration lease;

    private RedisSemaphore(RPermitExpirableSemaphore semaphore, Duration lease) {
        this.semaphore = semaphore;
        this.lease = lease;
    }

    /**
     * Returns the semaphore of this name, without contacting the server.
     *
     * @param lease the time after which the server takes back the permit of a dead holder; renewed as long as it is
     *     held
     * @throws IllegalArgumentException if the lease is shorter than 30 milliseconds
     */
    public static RedisSemaphore of(RedissonClient redisson, String name, Duration lease) {
        if (lease.toMillis() < 30) {
            throw new IllegalArgumentException("A lease of " + lease
                    + " is too short for the round trips of a renewal: use at least 30 milliseconds");
        }
        return new RedisSemaphore(redisson.getPermitExpirableSemaphore(Objects.requireNonNull(name, "name")), lease);
    }

    /**
     * Sets the number of permits unless it is already set.
     *
     * @return whether this call set it
     */
    public Mono<Boolean> setPermits(int permits) {
        if (permits <= 0) {
            throw new IllegalArgumentException("permits must be positive, but is " + permits);
        }
        return Mono.fromCompletionStage(() -> semaphore.trySetPermitsAsync(permits));
    }

    /** Returns the number of free permits. */
    public Mono<Integer> available() {
        return Mono.fromCompletionStage(semaphore::availablePermitsAsync);
    }

    @Override
    public Mono<RedisPermit> acquire() {
        return new RedisPermits.MonoAcquire(Holder::new, null, "a permit of " + this);
    }

    /**
     * {@inheritDoc}
     *
     * @param limit the time limit, in whole milliseconds; zero or less takes a permit only if there is one
     */
    @Override
    public Mono<RedisPermit> acquire(Duration limit) {
        return new RedisPermits.MonoAcquire(Holder::new, Objects.requireNonNull(limit, "limit"), "a permit of " + this);
    }

    @Override
    public <T> Mono<T> withPermit(Mono<T> work) {
        return RedisPermits.use(acquire(), work);
    }

    @Override
    public <T> Flux<T> withPermit(Flux<T> work) {
        return RedisPermits.use(acquire(), work);
    }

    private final class Holder implements RedisPermits.Candidate {
        @Override
        public CompletionStage<?> acquire(long millis) {
            return semaphore.tryAcquireAsync(millis, lease.toMillis(), TimeUnit.MILLISECONDS);
        }

        /** Does nothing: the permit's id is in the reply that is missing, and its lease ends it. */
        @Override
        public void failed() {}

        @Override
        public RedisPermit permit(Object acquired) {
            String id = (String) acquired;
            return new RedisPermit(
                    RedisSemaphore.this.toString(),
                    null,
                    new Lease(
                            RedisSemaphore.this.toString(),
                            lease,
                            () -> semaphore.updateLeaseTimeAsync(id, lease.toMillis(), TimeUnit.MILLISECONDS)),
                    () -> semaphore.tryReleaseAsync(id));
        }
    }

    /** {@code <RedisSemaphore partner-api>}. */
    @Override
    public String toString() {
        return "<RedisSemaphore " + semaphore.getName() + ">";
    }
}
