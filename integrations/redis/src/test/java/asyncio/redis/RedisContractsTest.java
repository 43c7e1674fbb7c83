package asyncio.redis;

import static asyncio.Asyncio.await;

import asyncio.queue.AsyncBroadcast;
import asyncio.queue.AsyncBroadcastContract;
import asyncio.queue.AsyncQueue;
import asyncio.queue.AsyncQueueContract;
import asyncio.sync.AsyncEvent;
import asyncio.sync.AsyncEventContract;
import asyncio.sync.AsyncKeyedLock;
import asyncio.sync.AsyncKeyedLockContract;
import asyncio.sync.AsyncLock;
import asyncio.sync.AsyncLockContract;
import asyncio.sync.AsyncRateLimiter;
import asyncio.sync.AsyncRateLimiterContract;
import asyncio.sync.AsyncReadWriteLock;
import asyncio.sync.AsyncReadWriteLockContract;
import asyncio.sync.AsyncSemaphore;
import asyncio.sync.AsyncSemaphoreContract;
import java.time.Duration;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.api.RFencedLock;

/** The contracts that objects on a server share with local ones. */
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

    /** A lock without the call that acquires it together with its token. */
    @Nested
    class OfLockInSteps extends AsyncLockContract {
        @Override
        protected AsyncLock newLock() {
            RFencedLock lock = REDIS.client().getFencedLock(REDIS.name());
            return RedisLock.fenced(lock, RedisLock.inSteps(lock), Duration.ofSeconds(30));
        }
    }

    @Nested
    class OfAWriteLock extends AsyncLockContract {
        @Override
        protected AsyncLock newLock() {
            return RedisReadWriteLock.of(REDIS.client(), REDIS.name()).writeLock();
        }
    }

    @Nested
    class OfReadWriteLock extends AsyncReadWriteLockContract {
        @Override
        protected AsyncReadWriteLock newLock() {
            return RedisReadWriteLock.of(REDIS.client(), REDIS.name());
        }
    }

    @Nested
    class OfKeyedLock extends AsyncKeyedLockContract {
        @Override
        protected AsyncKeyedLock<Integer> newLocks() {
            return RedisKeyedLock.of(REDIS.client(), REDIS.name(), String::valueOf);
        }
    }

    @Nested
    class OfRateLimiter extends AsyncRateLimiterContract {
        @Override
        protected AsyncRateLimiter newLimiter(int permits, Duration per) {
            return RedisRateLimiter.of(REDIS.client(), REDIS.name(), permits, per);
        }
    }

    @Nested
    class OfEvent extends AsyncEventContract {
        @Override
        protected AsyncEvent newEvent() {
            return RedisEvent.of(REDIS.client(), REDIS.name());
        }

        /** A waiter has looked before it listens, and listens for messages and for lost connections. */
        @Override
        protected int waiters(AsyncEvent event) {
            return ((RedisEvent) event).topic.countListeners() / 2;
        }
    }

    @Nested
    class OfQueue extends AsyncQueueContract {
        @Override
        protected AsyncQueue<Integer> newQueue(int maxsize) {
            return RedisQueue.of(
                    REDIS.client(),
                    REDIS.name(),
                    RedisQueue.Options.DEFAULTS.maxSize(maxsize).lease(Duration.ofSeconds(2)));
        }
    }

    /** A queue without a bound, where that makes no difference, has other puts. */
    @Nested
    class OfQueueWithoutBound extends AsyncQueueContract {
        @Override
        protected AsyncQueue<Integer> newQueue(int maxsize) {
            return RedisQueue.of(
                    REDIS.client(),
                    REDIS.name(),
                    RedisQueue.Options.DEFAULTS
                            .maxSize(maxsize > 2 ? 0 : maxsize)
                            .lease(Duration.ofSeconds(2)));
        }
    }

    @Nested
    class OfBroadcast extends AsyncBroadcastContract {
        @Override
        protected AsyncBroadcast<Integer> newBroadcast() {
            return RedisBroadcast.of(REDIS.client(), REDIS.name(), Integer.class);
        }
    }
}
