package asyncio.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;

/**
 * Holders that die or stop at any moment: as far as the store, and the holders' history, can tell, no two hold the lock
 * at the same time. A soak with {@code -Dasyncio.test.sections=10000}.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class CrashTest {
    private static final int SECTIONS = Integer.getInteger("asyncio.test.sections", 200);
    private static final int PROCESSES = 3;

    @RegisterExtension
    static final Redis redis = new Redis();

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final List<Path> histories = new ArrayList<>();

    @TempDir
    Path folder;

    @Test
    void aCounterBehindTokensIsNeverCorruptedByHoldersThatAreKilledOrStopped() throws Exception {
        String store = redis.name();
        RedissonClient client = Redisson.create(CriticalSections.config(redis.address()));
        Workers workers = new Workers(CriticalSections.class, PROCESSES, random, 2000, number -> {
            Path history = Files.createFile(folder.resolve("history" + number));
            histories.add(history);
            return List.of(redis.address(), store, String.valueOf(random.nextLong()), history.toString());
        });
        try (workers) {
            while (number(client, store, "written") < SECTIONS) {
                workers.harm(100, 500);
            }
        }
        try {
            assertThat(number(client, store, "counter"))
                    .as(
                            "seed %d: killed %d, stopped %d, refused %d",
                            seed, workers.killed, workers.stopped, number(client, store, "refused"))
                    .isEqualTo(number(client, store, "written"));
            List<LockHistory.Hold> holds = LockHistory.read(histories);
            assertThat(holds).hasSizeGreaterThanOrEqualTo(SECTIONS);
            assertThat(LockHistory.violations(holds, CriticalSections.LEASE))
                    .as("seed %d, %d permits", seed, holds.size())
                    .isEmpty();
        } finally {
            client.shutdown();
        }
    }

    private static int number(RedissonClient client, String store, String field) {
        Map<String, String> all = client.<String, String>getMap(store).readAllMap();
        return Integer.parseInt(all.getOrDefault(field, "0"));
    }
}
