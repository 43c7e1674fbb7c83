package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import asyncio.Asyncio;
import asyncio.LogCapture;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.redis.RedisQueue.Options;
import asyncio.sync.Event;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;
import org.redisson.command.NoSyncedSlavesException;
import org.redisson.config.Config;
import org.redisson.config.ConstantDelay;
import org.redisson.config.ReadMode;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;
import redis.embedded.RedisServer;

/** Faults of a server and its network: a replica takes over, it stands still, its memory is full. */
@Timeout(180)
class FaultsTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int ITEMS = 100;

    @RegisterExtension
    static final Redis redis = new Redis();

    @BeforeAll
    static void ownServer() {
        assumeThat(redis.isOwn()).isTrue();
    }

    private static void until(int port, String command, String reply) throws Exception {
        while (!Redis.command(port, command).equals(reply)) {
            await(sleep(Duration.ofMillis(5)));
        }
    }

    /** Tries again until the client has found the new master, and does not expect replicas any more. */
    private static <T> Mono<T> again(Mono<T> operation) {
        return operation
                .retryWhen(Retry.fixedDelay(600, Duration.ofMillis(100))
                        .filter(e -> e instanceof RedisException || e instanceof NoSyncedSlavesException))
                .timeout(LONG);
    }

    @Test
    void nothingThatAReplicaHasIsLostWhenItIsPromoted() throws Exception {
        int master = Redis.freePort();
        RedisServer first = Redis.start(master);
        int replica = Redis.freePort();
        RedisServer second = Redis.start(replica, "replicaof 127.0.0.1 " + master);
        Config config = new Config();
        config.setLockWatchdogTimeout(20_000);
        config.useReplicatedServers()
                .addNodeAddress("redis://127.0.0.1:" + master, "redis://127.0.0.1:" + replica)
                .setReadMode(ReadMode.MASTER)
                .setScanInterval(100);
        RedissonClient client = Redisson.create(config);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisLock lock = RedisLock.of(client, name);
                RedisPermit permit = await(lock.acquire());
                RedisEvent event = RedisEvent.of(client, name + ":event");
                Task<Void> waiter = createTask(again(event.await()));
                RedisQueue<Integer> queue = RedisQueue.of(client, name + ":items", Options.DEFAULTS);
                for (int i = 0; i < ITEMS; i++) {
                    await(queue.put(i));
                }
                await(await(queue.get()).ack());
                until(replica, "XLEN " + queue.name, ":" + (ITEMS - 1));
                until(replica, "EXISTS " + name, ":1");
                first.stop();
                assertThat(Redis.command(replica, "REPLICAOF NO ONE")).isEqualTo("+OK");

                Set<Integer> got = new HashSet<>();
                while (got.size() < ITEMS - 1) {
                    got.add(await(again(queue.process(Mono::just))));
                }
                await(again(queue.shutdown().then(queue.join())));
                await(again(event.set()));
                await(waiter);
                assertThatThrownBy(() -> await(again(lock.acquire(Duration.ZERO))))
                        .isInstanceOf(TimeoutException.class);
                assertThat(permit.isLost()).isFalse();
                await(permit.releaseAndWait());
                RedisPermit next = await(again(lock.acquire()));
                assertThat(next.token()).isGreaterThan(permit.token());
                await(next.releaseAndWait());
            });
        } finally {
            client.shutdown();
            first.stop();
            second.stop();
        }
    }

    @Test
    void aServerThatStandsStillForLessThanTheLeaseDelaysOnly() throws Exception {
        Asyncio.run(() -> {
            RedisLock lock = RedisLock.of(redis.client(), redis.name());
            RedisQueue<Integer> queue = RedisQueue.of(redis.client(), redis.name(), Options.DEFAULTS);
            RedisPermit permit = await(lock.acquire());
            redis.signal("STOP");
            Task<Void> put = createTask(queue.put(1));
            await(sleep(Duration.ofSeconds(1))); // the fault
            assertThat(put.done()).isFalse();
            redis.signal("CONT");
            await(put);
            assertThat(permit.isLost()).isFalse();
            await(permit.releaseAndWait());
            assertThat(await(queue.<Integer>process(Mono::just))).isEqualTo(1);
        });
    }

    @Test
    void aServerThatStandsStillForLongerEndsTheWork() throws Exception {
        RedissonClient client = redis.connect(900);
        try {
            Asyncio.run(() -> {
                RedisLock lock = RedisLock.of(client, redis.name());
                Event cancelled = new Event();
                Task<?> work = createTask(lock.withLock(sleep(LONG).doOnCancel(cancelled::set)));
                while (!await(lock.locked())) {
                    await(sleep(Duration.ofMillis(1)));
                }
                redis.signal("STOP");
                try {
                    await(cancelled.await(LONG)); // while the server stands still
                } finally {
                    redis.signal("CONT");
                }
                assertThatThrownBy(() -> await(work)).isInstanceOf(LeaseLostException.class);
                await(await(lock.acquire(LONG)).releaseAndWait());
            });
        } finally {
            client.shutdown();
        }
    }

    @Test
    void aReleaseThatFailsIsLoggedAndTheLeaseEndsByItself() throws Exception {
        Duration lease = Duration.ofSeconds(5);
        try (Network network = new Network(redis.port(), new Random(1));
                LogCapture log = new LogCapture()) {
            Config config = Redis.config(network.address(), lease.toMillis());
            config.useSingleServer().setRetryDelay(new ConstantDelay(Duration.ofMillis(100)));
            RedissonClient client = Redisson.create(config);
            try {
                Asyncio.run(() -> {
                    String name = redis.name();
                    RedisLock lock = RedisLock.of(client, name);
                    RedisLock elsewhere = RedisLock.of(redis.client(), name);
                    Mono<String> work = Mono.fromSupplier(() -> {
                        network.cut();
                        return "done";
                    });
                    assertThat(await(lock.withLock(work))).isEqualTo("done");
                    assertThat(log.records()).anySatisfy(record -> {
                        assertThat(record.getMessage())
                                .isEqualTo("Could not release " + lock + "; it is free when its lease of PT5S expires");
                        assertThat(record.getThrown()).isInstanceOf(RedisException.class);
                    });
                    assertThat(await(elsewhere.locked())).isTrue();
                    await(await(elsewhere.acquire(lease.plusSeconds(5))).releaseAndWait());
                    network.heal();
                    await(await(again(lock.acquire())).releaseAndWait());
                });
            } finally {
                client.shutdown();
            }
        }
    }

    @Test
    void aNetworkThatLosesConnectionsLosesNothing() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Set<Integer> done = ConcurrentHashMap.newKeySet();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        try (Network network = new Network(redis.port(), new Random(seed))) {
            Config config = Redis.config(network.address(), 2000);
            config.useSingleServer()
                    .setTimeout(1000)
                    .setRetryAttempts(5)
                    .setRetryDelay(new ConstantDelay(Duration.ofMillis(20)));
            RedissonClient client = Redisson.create(config);
            try {
                String name = redis.name();
                RedisLock lock = RedisLock.of(client, name + ":lock");
                Options options = Options.DEFAULTS.lease(Duration.ofSeconds(1));
                RedisQueue<Integer> queue = RedisQueue.of(client, name, options);
                Mono<Void> section = sleep(Duration.ofMillis(1))
                        .doOnSubscribe(s -> most.accumulateAndGet(inside.incrementAndGet(), Math::max))
                        .doOnTerminate(inside::decrementAndGet) // before the end is signalled, which releases
                        .doOnCancel(inside::decrementAndGet)
                        .then();
                network.loseConnections(20_000);
                Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
                    List<Task<?>> consumers = new ArrayList<>();
                    for (int i = 0; i < 3; i++) {
                        consumers.add(group.createTask(queue.<Void>process(
                                        item -> lock.withLock(section).then(Mono.fromRunnable(() -> done.add(item))))
                                .onErrorResume(FaultsTest::isOfNetwork, e -> Mono.empty()) // the item comes again
                                .repeat()
                                .then()));
                    }
                    for (int i = 0; i < ITEMS; i++) {
                        await(queue.put(i).retryWhen(Retry.indefinitely().filter(FaultsTest::isOfNetwork)));
                    }
                    await(RedisQueue.of(redis.client(), name, options).join().timeout(LONG.multipliedBy(2)));
                    consumers.forEach(Task::cancel);
                    return null;
                })));
            } finally {
                client.shutdown();
            }
            assertThat(done)
                    .as("seed %d, %d connections lost", seed, network.lost())
                    .hasSize(ITEMS);
            assertThat(most).as("seed %d", seed).hasValue(1);
            assertThat(network.lost()).as("seed %d", seed).isGreaterThan(5);
        }
    }

    private static boolean isOfNetwork(Throwable e) {
        return e instanceof RedisException || e instanceof IOException || e instanceof LeaseLostException;
    }

    @Test
    void holdersAreToldThatTheServerHasLostItsData() throws Exception {
        Duration lease = Duration.ofMillis(900);
        RedissonClient client = redis.connect(lease.toMillis());
        try {
            Asyncio.run(() -> {
                RedisLock lock = RedisLock.of(client, redis.name());
                RedisReadWriteLock readWrite = RedisReadWriteLock.of(client, redis.name());
                RedisSemaphore semaphore = RedisSemaphore.of(client, redis.name(), lease);
                await(semaphore.setPermits(1));
                RedisQueue<Integer> queue = RedisQueue.of(client, redis.name(), Options.DEFAULTS.lease(lease));
                await(queue.put(1));
                List<Event> cancelled = new ArrayList<>();
                List<Task<?>> works = new ArrayList<>();
                for (Function<Mono<Void>, Mono<Void>> with : List.<Function<Mono<Void>, Mono<Void>>>of(
                        lock::withLock,
                        readWrite.readLock()::withLock,
                        RedisReadWriteLock.of(client, redis.name()).writeLock()::withLock,
                        semaphore::withPermit,
                        work -> queue.process(item -> work))) {
                    Event begun = new Event();
                    Event end = new Event();
                    Mono<Void> work =
                            Mono.<Void>never().doOnSubscribe(s -> begun.set()).doOnCancel(end::set);
                    works.add(createTask(with.apply(work)));
                    cancelled.add(end);
                    await(begun.await(LONG));
                }
                assertThat(Redis.command(redis.port(), "FLUSHALL")).isEqualTo("+OK");
                for (int i = 0; i < works.size(); i++) {
                    Task<?> work = works.get(i);
                    await(cancelled.get(i).await(LONG));
                    assertThatThrownBy(() -> await(work)).isInstanceOf(LeaseLostException.class);
                }
                RedisPermit next = await(lock.acquire());
                assertThat(next.token()).isOne(); // tokens begin again
                await(next.releaseAndWait());
            });
        } finally {
            client.shutdown();
        }
    }

    @Test
    void aServerWithoutMemoryRefusesAndLosesNothing() throws Exception {
        RedissonClient client = redis.connect(900);
        try {
            Asyncio.run(() -> {
                RedisLock lock = RedisLock.of(client, redis.name());
                RedisLock other = RedisLock.of(client, redis.name());
                RedisQueue<Integer> queue = RedisQueue.of(client, redis.name(), Options.DEFAULTS);
                for (int i = 0; i < 3; i++) {
                    await(queue.put(i));
                }
                Delivery<Integer> delivery = await(queue.get());
                RedisPermit permit = await(lock.acquire());
                RedisSemaphore semaphore = RedisSemaphore.of(client, redis.name(), Duration.ofMillis(900));
                await(semaphore.setPermits(1));
                RedisPermit ofSemaphore = await(semaphore.acquire());
                assertThat(Redis.command(redis.port(), "CONFIG SET maxmemory 1"))
                        .isEqualTo("+OK");
                try {
                    assertThatThrownBy(() -> await(queue.put(2)))
                            .isInstanceOf(RedisException.class)
                            .hasMessageContaining("maxmemory");
                    assertThatThrownBy(() -> await(other.acquire(LONG)))
                            .isInstanceOf(RedisException.class)
                            .hasMessageContaining("maxmemory");
                    assertThatThrownBy(() -> await(queue.shutdown()))
                            .isInstanceOf(RedisException.class)
                            .hasMessageContaining("maxmemory");
                    assertThat(await(queue.isShutdown())).isFalse();
                    await(delivery.ack());
                    assertThat(await(queue.<Integer>process(Mono::just))).isEqualTo(1);
                    assertThat(await(queue.size())).isEqualTo(1);
                    await(sleep(Duration.ofMillis(3 * 900))); // leases are renewed in the meantime
                    assertThat(permit.isLost()).isFalse();
                    assertThat(await(lock.locked())).isTrue();
                    assertThat(ofSemaphore.isLost()).isTrue(); // Redisson's renewal needs memory
                } finally {
                    assertThat(Redis.command(redis.port(), "CONFIG SET maxmemory 0"))
                            .isEqualTo("+OK");
                }
                await(permit.releaseAndWait());
                await(await(other.acquire()).releaseAndWait());
                await(ofSemaphore.releaseAndWait());
                await(await(semaphore.acquire(LONG)).releaseAndWait());
                await(queue.put(3));
                for (int i = 2; i < 4; i++) {
                    Delivery<Integer> next = await(queue.get());
                    assertThat(next.item()).isEqualTo(i);
                    assertThat(next.count()).isOne(); // what was acknowledged is not delivered again
                    await(next.ack());
                }
                await(queue.join());
                assertThat(queue.stream.getPendingInfo(RedisQueue.GROUP).getTotal())
                        .isZero();
            });
        } finally {
            client.shutdown();
        }
    }
}
