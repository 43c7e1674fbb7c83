package asyncio.sync;

import java.time.Duration;
import org.junit.jupiter.api.Nested;

/** The contracts that local objects share with those on servers. */
class LocalContractsTest {
    @Nested
    class OfLock extends AsyncLockContract {
        @Override
        protected AsyncLock newLock() {
            return new Lock();
        }
    }

    @Nested
    class OfAKey extends AsyncLockContract {
        @Override
        protected AsyncLock newLock() {
            return new KeyedLock<String>().lock("key");
        }
    }

    @Nested
    class OfAWriteLock extends AsyncLockContract {
        @Override
        protected AsyncLock newLock() {
            return new ReadWriteLock().writeLock();
        }
    }

    @Nested
    class OfSemaphore extends AsyncSemaphoreContract {
        @Override
        protected AsyncSemaphore newSemaphore(int permits) {
            return new Semaphore(permits);
        }
    }

    @Nested
    class OfBoundedSemaphore extends AsyncSemaphoreContract {
        @Override
        protected AsyncSemaphore newSemaphore(int permits) {
            return new BoundedSemaphore(permits);
        }
    }

    @Nested
    class OfKeyedLock extends AsyncKeyedLockContract {
        @Override
        protected AsyncKeyedLock<Integer> newLocks() {
            return new KeyedLock<>();
        }
    }

    @Nested
    class OfReadWriteLock extends AsyncReadWriteLockContract {
        @Override
        protected AsyncReadWriteLock newLock() {
            return new ReadWriteLock();
        }
    }

    @Nested
    class OfRateLimiter extends AsyncRateLimiterContract {
        @Override
        protected AsyncRateLimiter newLimiter(int permits, Duration per) {
            return RateLimiter.of(permits, per, permits);
        }
    }

    @Nested
    class OfAKeysRateLimiter extends AsyncRateLimiterContract {
        @Override
        protected AsyncRateLimiter newLimiter(int permits, Duration per) {
            return KeyedRateLimiter.<String>of(permits, per, permits).limiter("key");
        }
    }

    @Nested
    class OfEvent extends AsyncEventContract {
        @Override
        protected AsyncEvent newEvent() {
            return AsyncEvent.of(new Event());
        }

        @Override
        protected int waiters(AsyncEvent event) {
            return ((EventView) event).event.waiters();
        }
    }
}
