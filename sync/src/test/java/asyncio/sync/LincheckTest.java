package asyncio.sync;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import reactor.core.publisher.Mono;

/**
 * Concurrent operations on a primitive are linearizable. The time at which a waiter is notified is not checked: it
 * holds the lock before that.
 */
@EnabledIfSystemProperty(named = "asyncio.test.lincheck", matches = "true")
class LincheckTest {
    @TestFactory
    Stream<DynamicTest> primitivesAreLinearizable() {
        return Stream.of(OfLock.class, OfSemaphore.class, OfEvent.class, OfKeys.class)
                .map(operations -> DynamicTest.dynamicTest(
                        operations.getSimpleName(),
                        () -> new StressOptions()
                                .iterations(10)
                                .invocationsPerIteration(300)
                                .threads(3)
                                .actorsPerThread(3)
                                .check(operations)));
    }

    /** Whether a Mono ends at once; if it does not, it is cancelled. */
    private static boolean endsNow(Mono<?> mono) {
        AtomicInteger ends = new AtomicInteger();
        mono.doOnTerminate(ends::incrementAndGet).subscribe().dispose();
        return ends.get() == 1;
    }

    public static final class OfLock {
        private final Lock lock = new Lock();

        @Operation
        public boolean tryAcquire() {
            return lock.tryAcquire();
        }

        @Operation
        public boolean acquireNow() {
            return endsNow(lock.acquire());
        }

        @Operation
        public void acquire() {
            lock.acquire().subscribe();
        }

        @Operation
        public void release() {
            lock.release();
        }

        @Operation
        public boolean locked() {
            return lock.locked();
        }
    }

    public static final class OfSemaphore {
        private final Semaphore semaphore = new Semaphore(2);

        @Operation
        public boolean tryAcquire(@Param(gen = IntGen.class, conf = "1:2") int n) {
            return semaphore.tryAcquire(n);
        }

        /** Not of two: a waiter for two that gives up makes a waiter for one wait behind it, for a moment. */
        @Operation
        public boolean acquireNow() {
            return endsNow(semaphore.acquire());
        }

        @Operation
        public void acquire(@Param(gen = IntGen.class, conf = "1:3") int n) {
            semaphore.acquire(n).subscribe();
        }

        @Operation
        public void release(@Param(gen = IntGen.class, conf = "1:2") int n) {
            semaphore.release(n);
        }
    }

    public static final class OfEvent {
        private final Event event = new Event();

        @Operation
        public void set() {
            event.set();
        }

        @Operation
        public void clear() {
            event.clear();
        }

        @Operation
        public boolean isSet() {
            return event.isSet();
        }

        @Operation
        public boolean awaitNow() {
            return endsNow(event.await());
        }

        @Operation
        public void await() {
            event.await().subscribe();
        }
    }

    public static final class OfKeys {
        private final KeyedLock<Integer> locks = new KeyedLock<>();

        @Operation
        public boolean tryAcquire(@Param(gen = IntGen.class, conf = "1:2") int key) {
            return locks.lock(key).tryAcquire();
        }

        @Operation
        public boolean acquireNow(@Param(gen = IntGen.class, conf = "1:2") int key) {
            return endsNow(locks.lock(key).acquire());
        }

        @Operation
        public void release(@Param(gen = IntGen.class, conf = "1:2") int key) {
            locks.lock(key).release();
        }

        @Operation
        public boolean locked(@Param(gen = IntGen.class, conf = "1:2") int key) {
            return locks.lock(key).locked();
        }
    }
}
