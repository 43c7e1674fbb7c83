package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.BlockingCalls;
import asyncio.EventLoop;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** No method that returns a Mono or a Flux blocks the loop it is called, subscribed to or cancelled on. */
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
    private static final Duration SHORT = Duration.ofMillis(1);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    @BeforeAll
    static void install() {
        BlockingCalls.install();
    }

    @BeforeEach
    void forget() {
        BlockingCalls.found();
    }

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    /** Acquires the lock elsewhere for a moment. */
    private static <L extends Lockable> L held(EventLoop loop, L lock) {
        lock.tryAcquire();
        loop.callLater(SHORT, lock::release);
        return lock;
    }

    private static Semaphore exhausted(EventLoop loop) {
        Semaphore semaphore = new Semaphore(0);
        loop.callLater(SHORT, () -> semaphore.release(3));
        return semaphore;
    }

    private static Condition signalled(EventLoop loop) {
        Condition condition = new Condition();
        condition.lock().tryAcquire();
        loop.callLater(
                SHORT,
                () -> condition
                        .lock()
                        .withLock(Mono.fromRunnable(condition::signalAll))
                        .subscribe());
        return condition;
    }

    private static Barrier met(EventLoop loop) {
        Barrier barrier = new Barrier(2);
        loop.callLater(SHORT, () -> barrier.await().subscribe());
        return barrier;
    }

    private static Mono<Integer> work() {
        return async(() -> await(sleep(SHORT, 1)));
    }

    /** Every method, with its result brought to an end. */
    private static Map<String, Function<EventLoop, Publisher<?>>> methods() {
        Map<String, Function<EventLoop, Publisher<?>>> methods = new LinkedHashMap<>();
        methods.put("AsyncLock.acquire()", loop -> ((AsyncLock) held(loop, new Lock())).acquire());
        methods.put("AsyncLock.acquire(Duration)", loop -> ((AsyncLock) held(loop, new Lock())).acquire(LIMIT));
        methods.put("AsyncLock.withLock(Mono)", loop -> ((AsyncLock) held(loop, new Lock())).withLock(work()));
        methods.put(
                "AsyncLock.withLock(Flux)",
                loop -> ((AsyncLock) held(loop, new Lock())).withLock(Flux.concat(work(), work())));
        methods.put("AsyncSemaphore.acquire()", loop -> ((AsyncSemaphore) exhausted(loop)).acquire());
        methods.put("AsyncSemaphore.acquire(Duration)", loop -> ((AsyncSemaphore) exhausted(loop)).acquire(LIMIT));
        methods.put("AsyncSemaphore.withPermit(Mono)", loop -> ((AsyncSemaphore) exhausted(loop)).withPermit(work()));
        methods.put(
                "AsyncSemaphore.withPermit(Flux)",
                loop -> ((AsyncSemaphore) exhausted(loop)).withPermit(Flux.concat(work())));
        methods.put("Lockable.acquire()", loop -> held(loop, new Lock()).acquire());
        methods.put(
                "Lockable.acquire(Duration)",
                loop -> held(loop, new ReadWriteLock().readLock()).acquire(LIMIT));
        methods.put(
                "Lockable.withLock(Mono)",
                loop -> held(loop, new ReadWriteLock().writeLock()).withLock(work()));
        methods.put("Lockable.withLock(Flux)", loop -> held(loop, new Lock()).withLock(Flux.concat(work(), work())));
        methods.put("KeyedLock.withLock(Object, Mono)", loop -> keyed(loop).withLock("key", work()));
        methods.put("KeyedLock.withLock(Object, Flux)", loop -> keyed(loop).withLock("key", Flux.concat(work())));
        methods.put("Semaphore.acquire()", loop -> exhausted(loop).acquire());
        methods.put("Semaphore.acquire(int)", loop -> exhausted(loop).acquire(3));
        methods.put("Semaphore.acquire(Duration)", loop -> exhausted(loop).acquire(LIMIT));
        methods.put("Semaphore.acquire(int, Duration)", loop -> exhausted(loop).acquire(2, LIMIT));
        methods.put("Semaphore.withPermit(Mono)", loop -> exhausted(loop).withPermit(work()));
        methods.put("Semaphore.withPermit(Flux)", loop -> exhausted(loop).withPermit(Flux.concat(work())));
        methods.put("Semaphore.withPermits(int, Mono)", loop -> exhausted(loop).withPermits(2, work()));
        methods.put("Semaphore.withPermits(int, Flux)", loop -> exhausted(loop).withPermits(2, Flux.concat(work())));
        methods.put("RateLimiter.acquire()", loop -> emptied().acquire());
        methods.put("RateLimiter.acquire(int)", loop -> emptied().acquire(3));
        methods.put("RateLimiter.acquire(Duration)", loop -> emptied().acquire(LIMIT));
        methods.put("RateLimiter.acquire(int, Duration)", loop -> emptied().acquire(2, LIMIT));
        methods.put("RateLimiter.withPermit(Mono)", loop -> emptied().withPermit(work()));
        methods.put("RateLimiter.withPermit(Flux)", loop -> emptied().withPermit(Flux.concat(work())));
        methods.put("RateLimiter.withPermits(int, Mono)", loop -> emptied().withPermits(2, work()));
        methods.put("RateLimiter.withPermits(int, Flux)", loop -> emptied().withPermits(2, Flux.concat(work())));
        methods.put("KeyedRateLimiter.acquire(Object)", loop -> emptiedKey().acquire("key"));
        methods.put(
                "KeyedRateLimiter.withPermit(Object, Mono)",
                loop -> emptiedKey().withPermit("key", work()));
        methods.put(
                "KeyedRateLimiter.withPermit(Object, Flux)",
                loop -> emptiedKey().withPermit("key", Flux.concat(work())));
        methods.put("SingleFlight.run(Object, Function)", loop -> new SingleFlight<>(LIMIT).run("key", key -> work()));
        methods.put("Event.await()", loop -> set(loop).await());
        methods.put("Event.await(Duration)", loop -> set(loop).await(LIMIT));
        methods.put("AsyncEvent.await()", loop -> AsyncEvent.of(set(loop)).await());
        methods.put(
                "AsyncEvent.await(Duration)", loop -> AsyncEvent.of(set(loop)).await(LIMIT));
        methods.put("AsyncEvent.set()", loop -> AsyncEvent.of(new Event()).set());
        methods.put("AsyncEvent.clear()", loop -> AsyncEvent.of(new Event()).clear());
        methods.put("AsyncEvent.isSet()", loop -> AsyncEvent.of(new Event()).isSet());
        methods.put("Condition.acquire()", loop -> new Condition(held(loop, new Lock())).acquire());
        methods.put("Condition.await()", loop -> signalled(loop).await());
        methods.put("Condition.await(Duration)", loop -> signalled(loop).await(LIMIT));
        methods.put("Condition.awaitUntil(BooleanSupplier)", loop -> {
            int[] asked = new int[1];
            return signalled(loop).awaitUntil(() -> asked[0]++ > 0);
        });
        methods.put("Barrier.await()", loop -> met(loop).await());
        methods.put("Barrier.await(Duration)", loop -> met(loop).await(LIMIT));
        for (String name : List.copyOf(methods.keySet())) { // interfaces with one implementation here
            if (name.startsWith("RateLimiter.") || name.startsWith("KeyedLock.")) {
                methods.put("Async" + name, methods.get(name));
            }
        }
        return methods;
    }

    /**
     * Returns a limiter without a permit for a moment. resilience4j #232: its operators blocked the thread in the
     * meantime.
     */
    private static RateLimiter emptied() {
        RateLimiter limiter = RateLimiter.of(1000, Duration.ofSeconds(1), 3);
        limiter.tryAcquire(3);
        return limiter;
    }

    private static KeyedRateLimiter<String> emptiedKey() {
        KeyedRateLimiter<String> limiters = KeyedRateLimiter.of(1000, Duration.ofSeconds(1), 1);
        limiters.tryAcquire("key");
        return limiters;
    }

    private static KeyedLock<String> keyed(EventLoop loop) {
        KeyedLock<String> locks = new KeyedLock<>();
        held(loop, locks.lock("key"));
        return locks;
    }

    private static Event set(EventLoop loop) {
        Event event = new Event();
        loop.callLater(SHORT, event::set);
        return event;
    }

    @Test
    void everyMethodIsTried() throws Exception {
        BlockingCalls.assertThatAllAreTried(Lock.class, methods().keySet());
    }

    @TestFactory
    Stream<DynamicTest> noMethodBlocks() {
        return methods().entrySet().stream()
                .flatMap(method -> BlockingCalls.of(
                        method.getKey(), Mono.fromCallable(EventLoop::getRunningLoop), method.getValue()));
    }
}
