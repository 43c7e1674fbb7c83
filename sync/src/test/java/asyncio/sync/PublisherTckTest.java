package asyncio.sync;

import static asyncio.Asyncio.sleep;

import asyncio.EventLoop;
import asyncio.Tck;
import java.time.Duration;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The Reactive Streams rules for each Mono and Flux of the primitives, free and contended. */
class PublisherTckTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    /** Acquires the lock elsewhere for a moment. */
    private static <L extends Lockable> L held(L lock) {
        lock.tryAcquire();
        later(lock::release);
        return lock;
    }

    /** Releases the permit, since some rules have several subscribers. */
    private static Mono<Permit> released(Mono<Permit> acquire) {
        return acquire.doOnNext(Permit::release);
    }

    private static void later(Runnable action) {
        EventLoop.shared().next().callSoonThreadsafe(action);
    }

    private static Stream<DynamicTest> acquiring(String name, Supplier<? extends Lockable> lock) {
        return Stream.of(
                        Tck.of(name + ".acquire()", () -> released(lock.get().acquire())),
                        Tck.of(
                                name + ".acquire(limit)",
                                () -> released(lock.get().acquire(LIMIT))),
                        Tck.of(name + ".withLock(mono)", () -> lock.get().withLock(sleep(Duration.ZERO, 1))),
                        Tck.ofEmpty(name + ".withLock(empty)", () -> lock.get().withLock(Mono.empty())),
                        Tck.ofMany(name + ".withLock(flux)", n -> lock.get().withLock(Flux.range(0, (int) n))))
                .flatMap(tests -> tests);
    }

    @TestFactory
    Stream<DynamicTest> lock() {
        return Stream.concat(acquiring("Lock", Lock::new), acquiring("held Lock", () -> held(new Lock())));
    }

    @TestFactory
    Stream<DynamicTest> readWriteLock() {
        return Stream.concat(
                acquiring("readLock", () -> new ReadWriteLock().readLock()),
                acquiring("held writeLock", () -> held(new ReadWriteLock().writeLock())));
    }

    @TestFactory
    Stream<DynamicTest> keyedLock() {
        return Stream.concat(
                acquiring("KeyedLock", () -> new KeyedLock<>().lock(1)),
                acquiring("held KeyedLock", () -> held(new KeyedLock<>().lock(1))));
    }

    private static Semaphore exhausted() {
        Semaphore semaphore = new Semaphore(0);
        later(() -> semaphore.release(3));
        return semaphore;
    }

    @TestFactory
    Stream<DynamicTest> semaphore() {
        return Stream.of(
                        Tck.of("Semaphore.acquire()", () -> released(new Semaphore(1).acquire())),
                        Tck.of(
                                "exhausted Semaphore.acquire()",
                                () -> released(exhausted().acquire())),
                        Tck.of(
                                "Semaphore.acquire(3)",
                                () -> released(exhausted().acquire(3))),
                        Tck.of(
                                "Semaphore.acquire(3, limit)",
                                () -> released(exhausted().acquire(3, LIMIT))),
                        Tck.of("Semaphore.withPermit(mono)", () -> exhausted().withPermit(Mono.just(1))),
                        Tck.of("Semaphore.withPermits(mono)", () -> exhausted().withPermits(2, Mono.just(1))),
                        Tck.ofMany(
                                "Semaphore.withPermit(flux)", n -> exhausted().withPermit(Flux.range(0, (int) n))),
                        Tck.ofMany(
                                "BoundedSemaphore.withPermits(flux)",
                                n -> new BoundedSemaphore(3).withPermits(3, Flux.range(0, (int) n))))
                .flatMap(tests -> tests);
    }

    /** Returns a limiter without a permit at first. */
    private static RateLimiter emptied() {
        RateLimiter limiter = RateLimiter.of(1000, Duration.ofSeconds(1), 3);
        limiter.tryAcquire(3);
        return limiter;
    }

    @TestFactory
    Stream<DynamicTest> rateLimiter() {
        return Stream.of(
                        Tck.ofEmpty(
                                "RateLimiter.acquire()",
                                () -> RateLimiter.of(1, LIMIT, 3).acquire()),
                        Tck.ofEmpty(
                                "emptied RateLimiter.acquire()", () -> emptied().acquire()),
                        Tck.ofEmpty(
                                "emptied RateLimiter.acquire(3, limit)",
                                () -> emptied().acquire(3, LIMIT)),
                        Tck.of("RateLimiter.withPermit(mono)", () -> emptied().withPermit(Mono.just(1))),
                        Tck.ofMany(
                                "RateLimiter.withPermits(flux)", n -> emptied().withPermits(2, Flux.range(0, (int) n))),
                        Tck.ofEmpty(
                                "KeyedRateLimiter.acquire()",
                                () -> KeyedRateLimiter.of(1, LIMIT, 3).acquire("key")))
                .flatMap(tests -> tests);
    }

    @TestFactory
    Stream<DynamicTest> singleFlight() {
        SingleFlight<Object, Integer> keeping = new SingleFlight<>(LIMIT);
        return Stream.of(
                        Tck.of(
                                "SingleFlight.run()",
                                () -> new SingleFlight<>().run("key", key -> sleep(Duration.ZERO, 1))),
                        Tck.of("SingleFlight.run() of what is kept", () -> keeping.run("key", key -> Mono.just(1))),
                        Tck.ofEmpty(
                                "SingleFlight.run(empty)", () -> new SingleFlight<>().run("key", key -> Mono.empty())))
                .flatMap(tests -> tests);
    }

    @TestFactory
    Stream<DynamicTest> event() {
        return Stream.of(
                        Tck.ofEmpty("set Event.await()", () -> {
                            Event event = new Event();
                            event.set();
                            return event.await();
                        }),
                        Tck.ofEmpty("Event.await(limit)", () -> {
                            Event event = new Event();
                            later(event::set);
                            return event.await(LIMIT);
                        }))
                .flatMap(tests -> tests);
    }

    @TestFactory
    Stream<DynamicTest> barrier() {
        return Stream.of(
                        Tck.of("Barrier(1).await()", () -> new Barrier(1).await()),
                        Tck.of("Barrier(2).await(limit)", () -> {
                            Barrier barrier = new Barrier(2);
                            return barrier.await(LIMIT)
                                    .doOnRequest(
                                            n -> later(() -> barrier.await().subscribe()));
                        }))
                .flatMap(tests -> tests);
    }

    private static Condition signalled() {
        Condition condition = new Condition();
        condition.lock().tryAcquire();
        later(() -> condition
                .lock()
                .withLock(Mono.fromRunnable(condition::signalAll))
                .subscribe());
        return condition;
    }

    @TestFactory
    Stream<DynamicTest> condition() {
        return Stream.of(
                        Tck.of("Condition.acquire()", () -> released(new Condition().acquire())),
                        Tck.ofEmpty("Condition.await()", () -> signalled().await()),
                        Tck.ofEmpty("Condition.await(limit)", () -> signalled().await(LIMIT)),
                        Tck.ofEmpty("Condition.awaitUntil(true)", () -> new Condition().awaitUntil(() -> true)),
                        Tck.ofEmpty("Condition.awaitUntil()", () -> {
                            Condition condition = signalled();
                            int[] asked = new int[1];
                            return condition.awaitUntil(() -> asked[0]++ > 0);
                        }))
                .flatMap(tests -> tests);
    }
}
