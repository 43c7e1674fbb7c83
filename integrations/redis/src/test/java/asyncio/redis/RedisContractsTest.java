package asyncio.redis;

import static asyncio.Asyncio.await;

import asyncio.sync.AsyncLock;
import asyncio.sync.AsyncLockContract;
import asyncio.sync.AsyncSemaphore;
import asyncio.sync.AsyncSemaphoreContract;
import java.time.Duration;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The contracts that locks and semaphores on a server share with local ones. */
class RedisContractsTest {
    @RegisterExtension
    static final Redis REDIS = new Redis();

    @Nested
    class OfLock extends AsyncLockContract {
        @Override
        protected AsyncLock newLock() {
            return RedisLock.of(REDIS.client(), REDIS.name());
        }
    }

    @Nested
    class OfSemaphore extends AsyncSemaphoreContract {
        @Override
        protected AsyncSemaphore newSemaphore(int permits) throws Exception {
            RedisSemaphore semaphore = RedisSemaphore.of(REDIS.client(), REDIS.name(), Duration.ofSeconds(30));
            await(semaphore.setPermits(permits));
            return semaphore;
        }
    }
}
