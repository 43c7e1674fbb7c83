package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract of {@link AsyncRateLimiter}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncRateLimiterContract {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final Duration SHORT = Duration.ofMillis(50);

    /** Creates a limiter that has {@code permits} permits now, and adds as many within each {@code per}. */
    protected abstract AsyncRateLimiter newLimiter(int permits, Duration per);

    private static void assertEmpty(AsyncRateLimiter limiter) {
        assertThatThrownBy(() -> await(limiter.acquire(Duration.ZERO)))
                .isInstanceOf(TimeoutException.class)
                .hasMessageContaining("Timed out");
    }

    @Test
    void nothingHappensBeforeSubscription() throws Exception {
        Asyncio.run(() -> {
            AsyncRateLimiter limiter = newLimiter(2, LONG);
            Mono<Void> acquire = limiter.acquire();
            await(limiter.acquire());
            await(acquire);
            assertEmpty(limiter);
        });
    }

    @Test
    void onesBeyondTheBurstComeWithTime() throws Exception {
        int permits = 5;
        Duration per = Duration.ofMillis(200);
        List<Long> times = new CopyOnWriteArrayList<>();
        long started = System.nanoTime();
        Asyncio.run(() -> {
            AsyncRateLimiter limiter = newLimiter(permits, per);
            await(TaskGroup.scopeBody(group -> {
                for (int i = 0; i < 3 * permits; i++) {
                    group.createTask(limiter.acquire().doOnSuccess(done -> times.add(System.nanoTime() - started)));
                }
                return null;
            }));
        });
        assertThat(times).hasSize(3 * permits);
        for (int i = permits; i < times.size(); i++) {
            long earliest = per.toNanos() * (i + 1 - permits) / permits;
            assertThat(times.get(i))
                    .as("permit %d", i)
                    .isGreaterThanOrEqualTo(earliest - 2_000_000); // a server counts milliseconds
        }
    }

    @Test
    void aDeadlineUsesNoPermit() throws Exception {
        Asyncio.run(() -> {
            AsyncRateLimiter limiter = newLimiter(3, LONG);
            await(limiter.acquire(2));
            assertThatThrownBy(() -> await(limiter.acquire(2, SHORT)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Timed out after PT0.05S");
            await(limiter.acquire(SHORT));
            assertEmpty(limiter);
        });
    }

    @Test
    void aWaiterInLineHasADeadline() throws Exception {
        Asyncio.run(() -> {
            AsyncRateLimiter limiter = newLimiter(1, LONG);
            await(limiter.acquire());
            Task<?> first = createTask(limiter.acquire());
            await(sleep(SHORT));
            assertThatThrownBy(() -> await(limiter.acquire(SHORT)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Timed out after PT0.05S");
            await(first.cancelAndJoin());
        });
    }

    @Test
    void aWaiterThatIsCancelledDelaysNoOther() throws Exception {
        Asyncio.run(() -> {
            AsyncRateLimiter limiter = newLimiter(2, LONG);
            await(limiter.acquire());
            Task<?> wantsTwo = createTask(limiter.acquire(2));
            await(sleep(SHORT));
            assertThat(wantsTwo.done()).isFalse();
            await(wantsTwo.cancelAndJoin());
            await(limiter.acquire(Duration.ZERO));
            assertEmpty(limiter);
        });
    }

    @Test
    void workStartsWithItsPermits() throws Exception {
        Asyncio.run(() -> {
            AsyncRateLimiter limiter = newLimiter(6, LONG);
            assertThat(await(limiter.withPermit(Mono.just(1)))).isEqualTo(1);
            assertThat(await(limiter.withPermit(Flux.range(0, 3)).collectList()))
                    .containsExactly(0, 1, 2);
            assertThat(await(limiter.withPermits(2, Mono.just(2)))).isEqualTo(2);
            assertThat(await(limiter.withPermits(2, Flux.just(3)).single())).isEqualTo(3);
            assertEmpty(limiter);
        });
    }

    @Test
    void soManyAreNeverAvailable() {
        AsyncRateLimiter limiter = newLimiter(2, LONG);
        for (int n : new int[] {0, -1, 3}) {
            assertThatThrownBy(() -> limiter.acquire(n))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("Cannot acquire " + n + " permits");
            assertThatThrownBy(() -> limiter.acquire(n, LONG)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
