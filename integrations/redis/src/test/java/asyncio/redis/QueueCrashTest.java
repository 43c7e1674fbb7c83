package asyncio.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;

/**
 * Producers and consumers that die or stop at any moment: each item that a producer knows to be in the queue is
 * consumed. A soak with {@code -Dasyncio.test.items=1000000}.
 */
@Timeout(value = 90, unit = TimeUnit.MINUTES)
class QueueCrashTest {
    private static final long ITEMS = Long.getLong("asyncio.test.items", 5_000);
    private static final int PROCESSES = 4;

    @RegisterExtension
    static final Redis redis = new Redis();

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());

    @Test
    void noItemIsLostByProducersAndConsumersThatAreKilledOrStopped() throws Exception {
        String store = redis.name();
        RedissonClient client = Redisson.create(QueueWorker.config(redis.address()));
        try (Workers workers = new Workers(
                QueueWorker.class,
                PROCESSES,
                new Random(seed),
                4000,
                number -> List.of(redis.address(), store, String.valueOf(number)))) {
            while (put(client, store) < ITEMS) {
                workers.harm(500, ITEMS > 100_000 ? 20_000 : 2000);
            }
            client.getMap(store + ":counts").put("enough", "");
            // those that hold items are alive, and producers finish what they have begun
            QueueWorker.queue(client, store).join().block(Duration.ofMinutes(10));
            for (int id = 0; id < workers.started(); id++) {
                int put = Integer.parseInt(counts(client, store).getOrDefault("put:" + id, "0"));
                assertThat(client.getBitSet(store + ":seen:" + id).asBitSet().nextClearBit(0))
                        .as("seed %d: the first item of %d that nobody has seen, of %d", seed, id, put)
                        .isGreaterThanOrEqualTo(put);
            }
            System.getLogger("asyncio.test")
                    .log(
                            System.Logger.Level.INFO,
                            "{0} items, {1} killed, {2} stopped, {3} seen again",
                            put(client, store),
                            workers.killed,
                            workers.stopped,
                            counts(client, store).getOrDefault("again", "0"));
        } finally {
            client.shutdown();
        }
    }

    private static Map<String, String> counts(RedissonClient client, String store) {
        return client.<String, String>getMap(store + ":counts").readAllMap();
    }

    private static long put(RedissonClient client, String store) {
        return counts(client, store).entrySet().stream()
                .filter(count -> count.getKey().startsWith("put:"))
                .mapToLong(count -> Long.parseLong(count.getValue()))
                .sum();
    }
}
