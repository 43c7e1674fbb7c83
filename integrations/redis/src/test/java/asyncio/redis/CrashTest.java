package asyncio.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;

/**
 * Holders that die or stop at any moment: as far as the store can tell, no two hold the lock at the same time. A soak
 * with {@code -Dasyncio.test.sections=10000}.
 */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class CrashTest {
    private static final int SECTIONS = Integer.getInteger("asyncio.test.sections", 200);
    private static final int PROCESSES = 3;

    @RegisterExtension
    static final Redis redis = new Redis();

    private final long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @Test
    void aCounterBehindTokensIsNeverCorruptedByHoldersThatAreKilledOrStopped() throws Exception {
        String store = redis.name();
        RedissonClient client = Redisson.create(CriticalSections.config(redis.address()));
        List<Process> processes = new ArrayList<>();
        int killed = 0;
        int stopped = 0;
        try {
            for (int i = 0; i < PROCESSES; i++) {
                processes.add(start(store));
            }
            for (int written = 0; written < SECTIONS; written = number(client, store, "written")) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100 + random.nextInt(500)));
                int victim = random.nextInt(PROCESSES);
                if (random.nextBoolean()) {
                    processes.get(victim).destroyForcibly().waitFor();
                    processes.set(victim, start(store));
                    killed++;
                } else {
                    signal("STOP", processes.get(victim));
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500 + random.nextInt(1500)));
                    signal("CONT", processes.get(victim));
                    stopped++;
                }
            }
        } finally {
            for (Process process : processes) {
                process.destroyForcibly().waitFor();
            }
        }
        try {
            assertThat(number(client, store, "counter"))
                    .as(
                            "seed %d: killed %d, stopped %d, refused %d",
                            seed, killed, stopped, number(client, store, "refused"))
                    .isEqualTo(number(client, store, "written"));
        } finally {
            client.shutdown();
        }
    }

    private static int number(RedissonClient client, String store, String field) {
        Map<String, String> all = client.<String, String>getMap(store).readAllMap();
        return Integer.parseInt(all.getOrDefault(field, "0"));
    }

    private Process start(String store) throws IOException {
        return new ProcessBuilder(
                        System.getProperty("java.home") + "/bin/java",
                        "-Xmx64m",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        CriticalSections.class.getName(),
                        redis.address(),
                        store,
                        String.valueOf(random.nextLong()))
                .redirectErrorStream(true)
                .redirectOutput(new File("target/critical-sections.log"))
                .start();
    }

    private static void signal(String name, Process process) throws Exception {
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .start()
                .waitFor();
    }
}
