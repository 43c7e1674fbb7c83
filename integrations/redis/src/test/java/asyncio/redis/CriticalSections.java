package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.redisson.Redisson;
import org.redisson.api.RScript;
import org.redisson.api.RScript.Mode;
import org.redisson.api.RScript.ReturnType;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/**
 * A program that repeatedly increments a counter inside a lock: it reads, waits a little, and writes, and passes its
 * fencing token with both.
 */
final class CriticalSections {
    static final Duration LEASE = Duration.ofMillis(900);

    /** Rejects a token smaller than one seen before. */
    private static final String SEE =
            "if tonumber(ARGV[1]) < tonumber(redis.call('hget', KEYS[1], 'token') or '0') then "
                    + "redis.call('hincrby', KEYS[1], 'refused', 1) return -1 end "
                    + "redis.call('hset', KEYS[1], 'token', ARGV[1]) ";

    /** The read passes its token too: otherwise a late holder could write between this read and the next write. */
    private static final String READ = SEE + "return tonumber(redis.call('hget', KEYS[1], 'counter') or '0')";

    /** Counts the writes. */
    private static final String WRITE =
            SEE + "redis.call('hset', KEYS[1], 'counter', ARGV[2]) return redis.call('hincrby', KEYS[1], 'written', 1)";

    private CriticalSections() {}

    /** The lock's lease: short, so that killed holders do not block others for long. */
    static Config config(String address) {
        Config config = new Config();
        config.setLockWatchdogTimeout(LEASE.toMillis());
        config.setNettyThreads(1);
        config.setThreads(1);
        config.setCodec(StringCodec.INSTANCE);
        config.useSingleServer()
                .setAddress(address)
                .setConnectionMinimumIdleSize(1)
                .setConnectionPoolSize(4)
                .setSubscriptionConnectionMinimumIdleSize(1);
        return config;
    }

    public static void main(String[] args) throws Exception {
        RedissonClient client = Redisson.create(config(args[0]));
        String store = args[1];
        RedisLock lock = RedisLock.of(client, store + ":lock");
        Random random = new Random(Long.parseLong(args[2]));
        LockHistory.Writer history = new LockHistory.Writer(Path.of(args[3]));
        Asyncio.run(() -> {
            for (; ; ) {
                long asked = System.nanoTime();
                RedisPermit permit = await(lock.acquire());
                history.granted(permit.token(), asked);
                try {
                    RScript script = client.getScript();
                    long token = permit.token();
                    long read = script.eval(Mode.READ_WRITE, READ, ReturnType.LONG, List.of(store), token);
                    await(sleep(Duration.ofNanos(random.nextInt(2_000_000))));
                    if (read >= 0) {
                        script.eval(Mode.READ_WRITE, WRITE, ReturnType.LONG, List.of(store), token, read + 1);
                    }
                } finally {
                    history.ending(permit.token());
                    await(permit.releaseAndWait());
                }
            }
        });
    }
}
