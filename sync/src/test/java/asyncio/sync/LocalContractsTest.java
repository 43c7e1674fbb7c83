package asyncio.sync;

import org.junit.jupiter.api.Nested;

/** The contracts that local locks and semaphores share with those on servers. */
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
}
