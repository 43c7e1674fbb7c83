package asyncio.benchmarks.redis;

import asyncio.redis.RedisLock;
import asyncio.redis.RedisQueue;
import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.reactive.RedisReactiveCommands;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import org.redisson.Redisson;
import org.redisson.api.RFencedLockReactive;
import org.redisson.api.RLockReactive;
import org.redisson.api.RStreamReactive;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamCreateGroupArgs;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.api.stream.StreamReadGroupArgs;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.integration.redis.util.RedisLockRegistry;
import org.springframework.integration.redis.util.RedisLockRegistry.RedisLockType;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import redis.embedded.RedisServer;

/**
 * Operations a second of RedisLock and RedisQueue, and of others on the same server: rounds in turn, of which the
 * median counts, after some to warm up. {@code REDIS_URL} uses a server that runs.
 */
public final class RedisFigures {
    private static final int ROUNDS = Integer.getInteger("rounds", 9);
    private static final int WARM_UPS = Integer.getInteger("warmups", 10);
    private static final int ALONE = Integer.getInteger("alone", 3000);
    private static final int WAITERS = 64;
    private static final int EACH = Integer.getInteger("each", 10);
    private static final int ITEMS = Integer.getInteger("items", 5000);
    private static final int PUTS_AT_ONCE = 64;

    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final AtomicLong OWNERS = new AtomicLong(1L << 50);

    private final RedissonClient redisson;
    private final RedisLockRegistry registry;
    private final RedisReactiveCommands<String, String> lettuce;
    private final RedisReactiveCommands<String, String> reader;
    private final ExecutorService threads = Executors.newFixedThreadPool(WAITERS);

    private RedisFigures(String host, int port) {
        Config config = new Config();
        config.setCodec(StringCodec.INSTANCE);
        config.useSingleServer().setAddress("redis://" + host + ":" + port);
        redisson = Redisson.create(config);
        LettuceConnectionFactory factory = new LettuceConnectionFactory(host, port);
        factory.afterPropertiesSet();
        factory.start();
        registry = new RedisLockRegistry(factory, "figures:" + ProcessHandle.current().pid());
        registry.setRedisLockType(RedisLockType.PUB_SUB_LOCK);
        RedisClient client = RedisClient.create("redis://" + host + ":" + port);
        lettuce = connect(client).reactive();
        reader = connect(client).reactive();
    }

    private static StatefulRedisConnection<String, String> connect(RedisClient client) {
        return client.connect();
    }

    private static String name() {
        return "figures:" + ProcessHandle.current().pid() + ":" + NAMES.incrementAndGet();
    }

    /** One of a comparison, which makes so many operations. */
    private record One(String what, int operations, Callable<?> run) {}

    public static void main(String[] args) throws Exception {
        String url = System.getenv("REDIS_URL");
        RedisServer server = null;
        String host = "127.0.0.1";
        int port;
        if (url == null) {
            try (ServerSocket free = new ServerSocket(0)) {
                port = free.getLocalPort();
            }
            server = RedisServer.newRedisServer()
                    .port(port)
                    .bind(host)
                    .setting("save \"\"")
                    .build();
            server.start();
        } else {
            java.net.URI uri = java.net.URI.create(url);
            host = uri.getHost();
            port = uri.getPort();
        }
        try {
            RedisFigures figures = new RedisFigures(host, port);
            compare("a lock, alone", figures.alone());
            compare("a lock, contended by " + WAITERS, figures.contended());
            compare("puts, " + PUTS_AT_ONCE + " at once", figures.puts());
            compare("gets with acknowledgement, one by one", figures.gets());
        } finally {
            if (server != null) {
                server.stop();
            }
        }
        System.exit(0); // clients have threads
    }

    private static void compare(String title, List<One> all) throws Exception {
        Map<One, double[]> rates = new LinkedHashMap<>();
        for (One one : all) {
            rates.put(one, new double[ROUNDS]);
        }
        for (int round = -WARM_UPS; round < ROUNDS; round++) {
            for (One one : all) {
                long began = System.nanoTime();
                one.run.call();
                double rate = one.operations * 1e9 / (System.nanoTime() - began);
                if (round >= 0) {
                    rates.get(one)[round] = rate;
                }
            }
        }
        System.out.println(title + ", a second (median of " + ROUNDS + " rounds, least, most):");
        for (One one : all) {
            double[] sorted = rates.get(one);
            Arrays.sort(sorted);
            System.out.printf(
                    "  %-34s %8.0f   (%.0f to %.0f)%n", one.what, sorted[ROUNDS / 2], sorted[0], sorted[ROUNDS - 1]);
        }
    }

    private List<One> alone() {
        RedisLock ours = RedisLock.of(redisson, name());
        RLockReactive plain = redisson.reactive().getLock(name());
        RFencedLockReactive fenced = redisson.reactive().getFencedLock(name());
        Lock spring = registry.obtain(name());
        return List.of(
                new One("RedisLock.withLock", ALONE, () -> times(ours.withLock(Mono.empty()), ALONE)
                        .block()),
                new One("Redisson, reactive lock", ALONE, () -> times(use(plain), ALONE)
                        .block()),
                new One("Redisson, reactive fenced lock", ALONE, () -> times(use(fenced), ALONE)
                        .block()),
                new One("Spring's RedisLockRegistry", ALONE, () -> {
                    use(spring, ALONE);
                    return null;
                }));
    }

    private List<One> contended() {
        RedisLock ours = RedisLock.of(redisson, name());
        RLockReactive plain = redisson.reactive().getLock(name());
        Lock spring = registry.obtain(name());
        int all = WAITERS * EACH;
        return List.of(
                new One("RedisLock.withLock", all, () -> atOnce(times(ours.withLock(Mono.empty()), EACH))
                        .block()),
                new One("Redisson, reactive lock", all, () -> atOnce(times(use(plain), EACH))
                        .block()),
                new One("Spring's RedisLockRegistry", all, () -> {
                    List<Future<?>> waiters = new ArrayList<>();
                    for (int i = 0; i < WAITERS; i++) {
                        waiters.add(threads.submit(() -> use(spring, EACH)));
                    }
                    for (Future<?> waiter : waiters) {
                        waiter.get();
                    }
                    return null;
                }));
    }

    /** Redisson's own, with an owner for each use, since a thread is one owner, and enters again. */
    private static Mono<Void> use(RLockReactive lock) {
        return Mono.defer(() -> {
            long owner = OWNERS.incrementAndGet();
            return lock.lock(owner).then(lock.unlock(owner));
        });
    }

    private static void use(Lock lock, int times) {
        for (int i = 0; i < times; i++) {
            lock.lock();
            lock.unlock();
        }
    }

    private static Mono<Void> times(Mono<?> use, int times) {
        return use.repeat(times - 1).then();
    }

    private static Mono<Void> atOnce(Mono<Void> uses) {
        return Flux.range(0, WAITERS).flatMap(i -> uses, WAITERS).then();
    }

    private List<One> puts() {
        return List.of(
                new One("RedisQueue.put", ITEMS, () -> fill(queue()).block()),
                new One("Redisson, XADD", ITEMS, () -> fill(redisson.reactive().getStream(name()))
                        .block()),
                new One("Lettuce, XADD", ITEMS, () -> fill(name()).block()));
    }

    private RedisQueue<String> queue() {
        return RedisQueue.of(redisson, name(), RedisQueue.Options.DEFAULTS);
    }

    private static Mono<Void> fill(RedisQueue<String> queue) {
        return Flux.range(0, ITEMS)
                .flatMap(i -> queue.put("item " + i), PUTS_AT_ONCE)
                .then();
    }

    private static Mono<Void> fill(RStreamReactive<String, String> stream) {
        return Flux.range(0, ITEMS)
                .flatMap(i -> stream.add(StreamAddArgs.entry("item", "item " + i)), PUTS_AT_ONCE)
                .then();
    }

    private Mono<Void> fill(String stream) {
        return Flux.range(0, ITEMS)
                .flatMap(i -> lettuce.xadd(stream, Map.of("item", "item " + i)), PUTS_AT_ONCE)
                .then();
    }

    /** The items are put before the time is taken. */
    private List<One> gets() {
        List<RedisQueue<String>> queues = new ArrayList<>();
        List<String> streams = new ArrayList<>();
        List<RStreamReactive<String, String>> plains = new ArrayList<>();
        for (int i = 0; i < WARM_UPS + ROUNDS; i++) {
            RedisQueue<String> queue = queue();
            fill(queue).block();
            queues.add(queue);
            String stream = name();
            fill(stream).block();
            lettuce.xgroupCreate(StreamOffset.from(stream, "0"), "group", XGroupCreateArgs.Builder.mkstream())
                    .block();
            streams.add(stream);
            RStreamReactive<String, String> plain = redisson.reactive().getStream(name());
            fill(plain).block();
            plain.createGroup(StreamCreateGroupArgs.name("group").id(StreamMessageId.ALL))
                    .block();
            plains.add(plain);
        }
        return List.of(
                new One("RedisQueue.process", ITEMS, () -> {
                    RedisQueue<String> queue = queues.remove(0);
                    return times(queue.process(item -> Mono.empty()), ITEMS).block();
                }),
                new One("Redisson, XREADGROUP, XACK, XDEL", ITEMS, () -> {
                    RStreamReactive<String, String> plain = plains.remove(0);
                    return times(process(plain), ITEMS).block();
                }),
                new One("Lettuce, XREADGROUP, XACK, XDEL", ITEMS, () -> {
                    String stream = streams.remove(0);
                    return times(process(stream), ITEMS).block();
                }));
    }

    private static Mono<Void> process(RStreamReactive<String, String> stream) {
        StreamReadGroupArgs next =
                StreamReadGroupArgs.neverDelivered().count(1).timeout(Duration.ofSeconds(1));
        return stream.readGroup("group", "consumer", next)
                .map(read -> read.keySet().iterator().next())
                .flatMap(id -> Mono.when(stream.ack("group", id), stream.remove(id)));
    }

    private Mono<Void> process(String stream) {
        return reader.xreadgroup(
                        Consumer.from("group", "consumer"),
                        XReadArgs.Builder.count(1).block(1000),
                        StreamOffset.lastConsumed(stream))
                .next()
                .map(StreamMessage::getId)
                .flatMap(id -> Mono.when(lettuce.xack(stream, "group", id), lettuce.xdel(stream, id)));
    }
}
