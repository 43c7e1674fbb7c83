package asyncio.redis;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.api.RFencedLock;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;
import org.redisson.client.RedisResponseTimeoutException;
import reactor.core.publisher.Flux;

/** The special properties of permits on a server: leases, tokens, other machines. */
@Timeout(120)
class LeaseTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final long LEASE = 900;

    @RegisterExtension
    static final Redis redis = new Redis();

    @Test
    void tokensGrow() throws Exception {
        Asyncio.run(() -> {
            RFencedLock plain = redis.client().getFencedLock(redis.name());
            RedisLock lock = RedisLock.of(redis.client(), plain.getName());
            RedisLock inSteps = RedisLock.fenced(plain, RedisLock.inSteps(plain), LONG);
            List<Long> tokens = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                RedisPermit first = await(inSteps.acquire());
                tokens.add(first.token());
                await(first.releaseAndWait());
                RedisPermit permit = await(lock.acquire());
                tokens.add(permit.token());
                assertThat(permit).hasToString("<permit of " + lock + ", token " + permit.token() + ">");
                await(permit.releaseAndWait());
                await(permit.releaseAndWait());
                assertThat(await(lock.locked())).isFalse();
            }
            assertThat(tokens).isSorted().doesNotHaveDuplicates();
            RedisReadWriteLock readWrite = RedisReadWriteLock.of(redis.client(), redis.name());
            RedisPermit writer = await(readWrite.writeLock().acquire());
            assertThatThrownBy(writer::token)
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("write lock of " + readWrite);
            writer.release();
            RedisSemaphore semaphore = RedisSemaphore.of(redis.client(), redis.name(), LONG);
            await(semaphore.setPermits(1));
            assertThat(await(semaphore.setPermits(2))).isFalse();
            RedisPermit permit = await(semaphore.acquire());
            assertThat(await(semaphore.available())).isZero();
            assertThatThrownBy(permit::token).isInstanceOf(UnsupportedOperationException.class);
            permit.release();
        });
    }

    /** As when the reply is lost, or the replicas that Redisson waits for are missing. */
    @Test
    void anAcquisitionThatFailsAfterTheServerGrantedItLeavesNothing() throws Exception {
        Asyncio.run(() -> {
            RFencedLock plain = redis.client().getFencedLock(redis.name());
            RedisLock lock = RedisLock.fenced(
                    plain,
                    (millis, owner) -> plain.tryLockAsync(millis, -1, TimeUnit.MILLISECONDS, owner)
                            .thenCompose(held -> CompletableFuture.failedFuture(new RedisException("no reply"))),
                    LONG);
            assertThatThrownBy(() -> await(lock.acquire())).hasMessage("no reply");
            await(await(RedisLock.of(redis.client(), plain.getName()).acquire(Duration.ofSeconds(10)))
                    .releaseAndWait()); // its lease would end after thirty
        });
    }

    @Test
    void anAcquisitionWhoseTimeEndsWithAReplyThatIsLostLeavesNothing() throws Exception {
        RedissonClient own = redis.connect(30_000); // no connection of it was cut by another test
        try {
            Asyncio.run(() -> {
                RFencedLock plain = own.getFencedLock(redis.name());
                RedisLock lock = RedisLock.fenced(
                        plain,
                        (millis, owner) -> plain.tryLockAsync(millis, -1, TimeUnit.MILLISECONDS, owner)
                                .thenCompose(held ->
                                        CompletableFuture.failedFuture(new RedisResponseTimeoutException("no reply"))),
                        LONG);
                assertThatThrownBy(() -> await(lock.acquire(Duration.ZERO))).isInstanceOf(TimeoutException.class);
                await(await(RedisLock.of(own, plain.getName()).acquire(Duration.ofSeconds(10)))
                        .releaseAndWait()); // its lease would end after thirty
            });
        } finally {
            own.shutdown();
        }
    }

    @Test
    void twoMachinesExcludeEachOther() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisLock here = RedisLock.of(redis.client(), name);
                RedisLock there = RedisLock.of(other, name);
                RedisPermit permit = await(here.acquire());
                assertThatThrownBy(() -> await(there.acquire(Duration.ofMillis(50))))
                        .isInstanceOf(TimeoutException.class);
                Task<RedisPermit> waiter = createTask(there.acquire());
                await(permit.releaseAndWait());
                await(await(waiter).releaseAndWait());
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void aPermitIsRenewedAsLongAsItIsHeld() throws Exception {
        RedissonClient client = redis.connect(LEASE);
        try {
            Asyncio.run(() -> {
                RedisLock lock = RedisLock.of(client, redis.name());
                RedisSemaphore semaphore = RedisSemaphore.of(client, redis.name(), Duration.ofMillis(LEASE));
                await(semaphore.setPermits(1));
                RedisReadWriteLock readWrite = RedisReadWriteLock.of(client, redis.name());
                RedisPermit permit = await(lock.acquire());
                RedisPermit other = await(semaphore.acquire());
                RedisPermit reader = await(readWrite.readLock().acquire());
                RedisPermit secondReader = await(readWrite.readLock().acquire());
                await(sleep(Duration.ofMillis(3 * LEASE)));
                assertThat(reader.isLost()).isFalse();
                assertThat(secondReader.isLost()).isFalse();
                await(reader.releaseAndWait());
                assertThat(await(readWrite.writeLock().locked())).isTrue();
                await(secondReader.releaseAndWait());
                assertThat(await(readWrite.readLock().locked())).isFalse();
                assertThat(permit.isLost()).isFalse();
                assertThat(other.isLost()).isFalse();
                assertThat(await(lock.locked())).isTrue();
                assertThat(await(semaphore.available())).isZero();
                await(permit.releaseAndWait());
                await(other.releaseAndWait());
            });
        } finally {
            client.shutdown();
        }
    }

    @Test
    void aPermitOfAMachineThatIsGoneComesBack() throws Exception {
        RedissonClient dead = redis.connect(LEASE);
        String lockName = redis.name();
        String semaphoreName = redis.name();
        Asyncio.run(() -> {
            RedisSemaphore semaphore = RedisSemaphore.of(dead, semaphoreName, Duration.ofMillis(LEASE));
            await(semaphore.setPermits(1));
            await(RedisLock.of(dead, lockName).acquire());
            await(semaphore.acquire());
            dead.shutdown(); // its renewals stop
            await(await(RedisLock.of(redis.client(), lockName).acquire(LONG)).releaseAndWait());
            await(await(RedisSemaphore.of(redis.client(), semaphoreName, LONG).acquire(LONG))
                    .releaseAndWait());
        });
    }

    /** Here the server is forced to release it; a process that was stopped for longer than the lease finds the same. */
    @Test
    void workIsCancelledWhenItsLeaseIsLost() throws Exception {
        RedissonClient client = redis.connect(LEASE);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisLock lock = RedisLock.of(client, name);
                AtomicBoolean cancelled = new AtomicBoolean();
                Task<?> work = createTask(lock.withLock(async(() -> {
                    client.getFencedLock(name).forceUnlock();
                    try {
                        await(sleep(LONG));
                    } catch (CancelledException e) {
                        cancelled.set(true);
                        throw e;
                    }
                })));
                assertThatThrownBy(() -> await(work))
                        .isInstanceOf(LeaseLostException.class)
                        .hasMessageContaining("the server has given it up")
                        .hasMessageContaining(name);
                assertThat(cancelled).isTrue();
                Task<?> stream = createTask(lock.withLock(Flux.interval(Duration.ofMillis(10))
                                .doOnSubscribe(s -> client.getFencedLock(name).forceUnlockAsync()))
                        .then());
                assertThatThrownBy(() -> await(stream)).isInstanceOf(LeaseLostException.class);
            });
        } finally {
            client.shutdown();
        }
    }

    @Test
    void workEndsWhenTheServerIsAwayForLongerThanTheLease() throws Exception {
        assumeThat(redis.isOwn()).isTrue();
        RedissonClient client = redis.connect(LEASE);
        try {
            Asyncio.run(() -> {
                RedisLock lock = RedisLock.of(client, redis.name());
                Task<?> work = createTask(lock.withLock(sleep(LONG)));
                while (!await(lock.locked())) {
                    await(sleep(Duration.ofMillis(1)));
                }
                redis.stop();
                assertThatThrownBy(() -> await(work)).isInstanceOf(LeaseLostException.class);
                redis.start();
            });
        } finally {
            client.shutdown();
        }
    }
}
