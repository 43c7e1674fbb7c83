package asyncio.sync;

import java.time.Duration;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A primitive with scoped forms, used by one holder at a time, so that it is either free or not. */
interface Kind {
    <T> Mono<T> with(Mono<T> work);

    <T> Flux<T> with(Flux<T> work);

    boolean free();

    /** Acquires a permit that this primitive excludes. */
    Mono<Permit> rival();

    Mono<Permit> acquire();

    Mono<Permit> acquire(Duration limit);

    int waiters();

    default Permit take() {
        return rival().block();
    }

    /** @param other the lock that excludes it */
    record OfLock(Lockable lock, Lockable other) implements Kind {
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
            return !lock.locked() && !other.locked() && lock.waiters() == 0;
        }

        @Override
        public Mono<Permit> rival() {
            return other.acquire();
        }

        @Override
        public Mono<Permit> acquire() {
            return lock.acquire();
        }

        @Override
        public Mono<Permit> acquire(Duration limit) {
            return lock.acquire(limit);
        }

        @Override
        public int waiters() {
            return lock.waiters();
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
        public Mono<Permit> rival() {
            return semaphore.acquire(3);
        }

        @Override
        public Mono<Permit> acquire() {
            return semaphore.acquire(3);
        }

        @Override
        public Mono<Permit> acquire(Duration limit) {
            return semaphore.acquire(3, limit);
        }

        @Override
        public int waiters() {
            return semaphore.waiters();
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
