package asyncio.sync;

import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Allocation;
import asyncio.Asyncio;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The maximum allocation of the common operations: a guard against growth. */
@Timeout(60)
class AllocationTest {
    private static final int N = 50_000;
    private static final int TASKS = 50;

    private static double perOperation(Callable<?> round) throws Exception {
        return Allocation.bytesPerOperation(N, round);
    }

    private static Object byManyTasks(Mono<Void> operation) throws Exception {
        return Asyncio.run(gather(
                Stream.generate(() -> operation.repeat(N / TASKS - 1).then())
                        .limit(TASKS)
                        .toList()));
    }

    @Test
    void aLockThatIsFree() throws Exception {
        Lock lock = new Lock();
        double bytes = perOperation(() -> {
            for (int i = 0; i < N; i++) {
                lock.tryAcquire();
                lock.release();
            }
            return null;
        });
        assertThat(bytes).isLessThan(1);
    }

    @Test
    void aLockThatIsFreeAsAMono() throws Exception {
        Lock lock = new Lock();
        Mono<Integer> work = Mono.just(42);
        double bytes =
                perOperation(() -> Asyncio.run(lock.withLock(work).repeat(N - 1).then(Mono.just(true))));
        assertThat(bytes).isLessThan(72);
    }

    @Test
    void aPermitThatAnOperatorGetsAtOnce() throws Exception {
        Lock lock = new Lock();
        double bytes = perOperation(() -> Asyncio.run(
                lock.acquire().doOnNext(Permit::release).repeat(N - 1).then(Mono.just(true))));
        assertThat(bytes).isLessThan(48 + 32 + 8); // 32 of doOnNext
    }

    @Test
    void aLockThatManyWant() throws Exception {
        Lock lock = new Lock();
        double bytes = perOperation(() -> byManyTasks(lock.withLock(sleep(Duration.ZERO))));
        assertThat(bytes).isLessThan(200);
    }

    @Test
    void aSemaphoreThatManyWant() throws Exception {
        Semaphore semaphore = new Semaphore(8);
        double bytes = perOperation(() -> byManyTasks(semaphore.withPermit(sleep(Duration.ZERO))));
        assertThat(bytes).isLessThan(210);
    }

    @Test
    void permitsOfARateThatAreThere() throws Exception {
        RateLimiter limiter = RateLimiter.of(1_000_000_000, Duration.ofSeconds(1), 1_000_000);
        double tried = perOperation(() -> {
            for (int i = 0; i < N; i++) {
                limiter.tryAcquire();
            }
            return null;
        });
        assertThat(tried).isLessThan(1);
        double bytes =
                perOperation(() -> Asyncio.run(limiter.acquire().repeat(N - 1).then(Mono.just(true))));
        assertThat(bytes).isLessThan(120);
    }

    @Test
    void permitsOfARateThatManyWant() throws Exception {
        RateLimiter limiter = RateLimiter.of(1_000_000, Duration.ofSeconds(1), 1000);
        double bytes = perOperation(() -> byManyTasks(limiter.acquire()));
        assertThat(bytes).isLessThan(400);
    }

    @Test
    void aFlightOfOneCaller() throws Exception {
        SingleFlight<Integer, Integer> flights = new SingleFlight<>();
        Mono<Integer> run = flights.run(1, key -> sleep(Duration.ZERO, 42));
        assertThat(perOperation(() -> Asyncio.run(run.repeat(N - 1).then(Mono.just(true)))))
                .isLessThan(650);
    }

    @Test
    void aCallerOfAFlightThatManyShare() throws Exception {
        SingleFlight<Integer, Integer> flights = new SingleFlight<>();
        Mono<Integer> run = flights.run(1, key -> sleep(Duration.ZERO, 42));
        assertThat(perOperation(() -> byManyTasks(run.then()))).isLessThan(160);
    }

    @Test
    void aCallerOfAFlightWhoseValueIsKept() throws Exception {
        SingleFlight<Integer, Integer> flights = new SingleFlight<>(Duration.ofHours(1));
        Mono<Integer> run = flights.run(1, key -> sleep(Duration.ZERO, 42));
        assertThat(perOperation(() -> Asyncio.run(run.repeat(N - 1).then(Mono.just(true)))))
                .isLessThan(90);
    }
}
