package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.redis.RedisQueue.Options;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import reactor.core.publisher.Mono;

/** A server that answers late, and a network that delays or holds requests and replies, but keeps its connections. */
@Timeout(120)
class SlowNetworkTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration LEASE = Duration.ofSeconds(2);

    @RegisterExtension
    static final Redis redis = new Redis();

    @BeforeAll
    static void ownServer() {
        assumeThat(redis.isOwn()).isTrue();
    }

    private static RedissonClient connect(Network network) {
        return Redisson.create(Redis.config(network.address(), LEASE.toMillis()));
    }

    private static void until(Task<?> task, long size, RedisQueue<?> queue) throws Exception {
        while (await(queue.size()) != size) {
            assertThat(task.done()).isFalse();
            await(sleep(Duration.ofMillis(1)));
        }
    }

    @Test
    void aServerThatAnswersLateDelaysOnly() throws Exception {
        try (Network network = new Network(redis.port(), new Random(1))) {
            network.delayReplies(Duration.ofMillis(80));
            assertThatWorkIsDone(network, "late replies");
        }
    }

    /** A lost packet is sent again, after twice the time if that is lost, too: a connection sees that as a delay. */
    @Test
    void aNetworkThatDropsHalfOfThePacketsDelaysOnly() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        try (Network network = new Network(redis.port(), new Random(seed))) {
            network.dropHalf();
            assertThatWorkIsDone(network, "seed " + seed);
            assertThat(network.dropped()).as("seed %d", seed).isGreaterThan(20);
        }
    }

    /** Without any error, nothing is lost or done twice, no two are inside, and leases are renewed. */
    private static void assertThatWorkIsDone(Network network, String description) throws Exception {
        int items = 12;
        Set<Integer> done = ConcurrentHashMap.newKeySet();
        AtomicInteger inside = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger times = new AtomicInteger();
        RedissonClient client = connect(network);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisLock lock = RedisLock.of(client, name + ":lock");
                RedisPermit held = await(RedisLock.of(client, name + ":held").acquire());
                RedisEvent event = RedisEvent.of(client, name + ":event");
                Task<Void> waiter = createTask(event.await());
                RedisQueue<Integer> queue = RedisQueue.of(client, name, Options.DEFAULTS.lease(LEASE));
                Mono<Void> section = sleep(Duration.ofMillis(1))
                        .doOnSubscribe(s -> most.accumulateAndGet(inside.incrementAndGet(), Math::max))
                        .doOnTerminate(inside::decrementAndGet)
                        .then();
                await(TaskGroup.scopeBody(group -> {
                    List<Task<?>> consumers = new ArrayList<>();
                    for (int i = 0; i < 3; i++) {
                        consumers.add(group.createTask(queue.<Void>process(
                                        item -> lock.withLock(section).then(Mono.fromRunnable(() -> {
                                            times.incrementAndGet();
                                            done.add(item);
                                        })))
                                .repeat()
                                .then()));
                    }
                    for (int i = 0; i < items; i++) {
                        await(queue.put(i));
                    }
                    await(RedisQueue.of(redis.client(), name, Options.DEFAULTS)
                            .join()
                            .timeout(LONG));
                    consumers.forEach(Task::cancel);
                    return null;
                }));
                assertThat(waiter.done()).isFalse();
                await(RedisEvent.of(redis.client(), name + ":event").set());
                await(waitFor(waiter, LONG));
                await(sleep(LEASE)); // beyond the lease, however fast all that was
                assertThat(held.isLost()).as(description).isFalse();
                await(held.releaseAndWait());
            });
        } finally {
            client.shutdown();
        }
        assertThat(done).as(description).hasSize(items);
        assertThat(times).as(description).hasValue(items);
        assertThat(most).as(description).hasValue(1);
    }

    @Test
    void aConsumerThatIsCancelledBeforeItHearsOfItsAcknowledgementHasAcknowledged() throws Exception {
        try (Network network = new Network(redis.port(), new Random(1))) {
            RedissonClient client = connect(network);
            try {
                Asyncio.run(() -> {
                    String name = redis.name();
                    RedisQueue<Integer> queue = RedisQueue.of(client, name, Options.DEFAULTS);
                    RedisQueue<Integer> elsewhere = RedisQueue.of(redis.client(), name, Options.DEFAULTS);
                    await(elsewhere.put(1));
                    Task<Integer> consumer =
                            createTask(queue.process(item -> Mono.just(item).doOnNext(i -> network.holdReplies())));
                    until(consumer, 0, elsewhere);
                    assertThat(consumer.done()).isFalse();
                    await(waitFor(consumer.cancelAndJoin(), LONG)); // although no reply comes
                    network.release();
                    await(elsewhere.put(2));
                    Delivery<Integer> next = await(waitFor(queue.get(), LONG));
                    assertThat(next.item()).isEqualTo(2);
                    await(next.ack());
                    await(waitFor(elsewhere.join(), LONG));
                });
            } finally {
                client.shutdown();
            }
        }
    }

    @Test
    void anAcknowledgementThatIsOnItsWayWhenItsConsumerIsCancelledArrives() throws Exception {
        try (Network network = new Network(redis.port(), new Random(1))) {
            RedissonClient client = connect(network);
            try {
                Asyncio.run(() -> {
                    String name = redis.name();
                    RedisQueue<Integer> queue = RedisQueue.of(client, name, Options.DEFAULTS);
                    RedisQueue<Integer> elsewhere = RedisQueue.of(redis.client(), name, Options.DEFAULTS);
                    await(elsewhere.put(1));
                    cancelWhileItAcknowledges(network, queue);
                    assertThat(await(elsewhere.size())).isOne();
                    network.release();
                    await(waitFor(elsewhere.join(), LONG)); // well before the lease of 30 seconds ends
                    assertThat(await(elsewhere.deadLetters())).isZero();
                });
            } finally {
                client.shutdown();
            }
        }
    }

    /** The item is delivered again. */
    @Test
    void anAcknowledgementThatIsLostAfterItsConsumerWasCancelledLeavesNothing() throws Exception {
        try (Network network = new Network(redis.port(), new Random(1))) {
            RedissonClient client = connect(network);
            try {
                Asyncio.run(() -> {
                    String name = redis.name();
                    Options options = Options.DEFAULTS.lease(Duration.ofMillis(300));
                    RedisQueue<Integer> elsewhere = RedisQueue.of(redis.client(), name, options);
                    await(elsewhere.put(1));
                    cancelWhileItAcknowledges(network, RedisQueue.of(client, name, options));
                    network.cut();
                    Task<?> consumer = createTask(
                            elsewhere.<Integer>process(Mono::just).repeat().then());
                    await(waitFor(elsewhere.join(), LONG));
                    await(consumer.cancelAndJoin());
                });
            } finally {
                client.shutdown();
            }
        }
    }

    private static void cancelWhileItAcknowledges(Network network, RedisQueue<Integer> queue) throws Exception {
        Task<Integer> consumer =
                createTask(queue.process(item -> Mono.just(item).doOnNext(i -> network.holdRequests())));
        while (network.held() == 0) {
            assertThat(consumer.done()).isFalse();
            await(sleep(Duration.ofMillis(1)));
        }
        await(waitFor(consumer.cancelAndJoin(), LONG));
    }
}
