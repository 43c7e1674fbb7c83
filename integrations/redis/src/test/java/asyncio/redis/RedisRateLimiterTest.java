package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.api.RedissonClient;

/** The special properties of rate limiters on a server: other machines, and rates that the server has. */
@Timeout(120)
class RedisRateLimiterTest {
    private static final Duration LONG = Duration.ofMinutes(10);

    @RegisterExtension
    static final Redis redis = new Redis();

    private static void assertEmpty(RedisRateLimiter limiter) {
        assertThatThrownBy(() -> await(limiter.acquire(Duration.ZERO))).isInstanceOf(TimeoutException.class);
    }

    @Test
    void machinesShareThePermits() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisRateLimiter here = RedisRateLimiter.of(redis.client(), name, 3, LONG);
                RedisRateLimiter there = RedisRateLimiter.of(other, name, 3, LONG);
                await(here.acquire(2));
                await(there.acquire());
                assertEmpty(here);
                assertEmpty(there);
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void theServerKeepsTheRateOfTheFirstUntilItIsSet() throws Exception {
        Asyncio.run(() -> {
            String name = redis.name();
            RedisRateLimiter one = RedisRateLimiter.of(redis.client(), name, 1, LONG);
            RedisRateLimiter two = RedisRateLimiter.of(redis.client(), name, 2, LONG);
            await(one.acquire());
            assertEmpty(two);
            await(two.setRate());
            await(two.acquire(2));
            assertEmpty(one);
        });
    }

    @Test
    void anIdleOneLeavesNothing() throws Exception {
        Asyncio.run(() -> {
            String name = redis.name();
            RedisRateLimiter limiter = RedisRateLimiter.of(redis.client(), name, 1, Duration.ofMillis(50));
            await(limiter.acquire());
            while (redis.client().getKeys().getKeysStream().anyMatch(key -> key.contains(name))) {
                await(sleep(Duration.ofMillis(10)));
            }
            await(limiter.acquire()); // and is made again
        });
    }
}
