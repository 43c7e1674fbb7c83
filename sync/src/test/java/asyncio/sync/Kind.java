package asyncio.sync;

import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What has scoped forms; used by one holder at a time, so that it is either free or not. */
interface Kind {
    <T> Mono<T> with(Mono<T> work);

    <T> Flux<T> with(Flux<T> work);

    boolean free();

    Permit take();

    /** @param rival what excludes it */
    record OfLock(Lockable lock, Lockable rival) implements Kind {
        @Override
        public <T> Mono<T> with(Mono<T> work) {
            return lock.withLock(work);
        }

        @Override
        public <T> Flux<T> with(Flux<T> work) {
            return lock.withLock(work);
        }

        @Override
        public boolean free() {
            return !lock.locked() && !rival.locked() && lock.waiters() == 0;
        }

        @Override
        public Permit take() {
            return rival.acquire().block();
        }
    }

    record OfPermits(Semaphore semaphore) implements Kind {
        @Override
        public <T> Mono<T> with(Mono<T> work) {
            return semaphore.withPermits(3, work);
        }

        @Override
        public <T> Flux<T> with(Flux<T> work) {
            return semaphore.withPermits(3, work);
        }

        @Override
        public boolean free() {
            return semaphore.permits() == 3 && semaphore.waiters() == 0;
        }

        @Override
        public Permit take() {
            return semaphore.acquire(3).block();
        }
    }

    private static Kind of(Lockable lock) {
        return new OfLock(lock, lock);
    }

    static Stream<Kind> all() {
        ReadWriteLock both = new ReadWriteLock();
        return Stream.of(
                of(new Lock()),
                new OfLock(both.readLock(), both.writeLock()),
                of(new ReadWriteLock().writeLock()),
                of(new KeyedLock<String>().lock("key")),
                new OfPermits(new BoundedSemaphore(3)));
    }
}
