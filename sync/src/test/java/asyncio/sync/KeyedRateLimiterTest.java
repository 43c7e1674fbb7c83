package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.EventLoop;
import asyncio.Task;
import asyncio.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(60)
class KeyedRateLimiterTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("each key has its own permits and its own line")
    void keys(Style style) throws Exception {
        KeyedRateLimiter<String> limiters = KeyedRateLimiter.of(1, SECOND, 1);
        List<String> log = new ArrayList<>();
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            List<Task<Void>> tasks = new ArrayList<>();
            for (String key : List.of("a", "a", "b", "a", "b")) {
                tasks.add(createTask(style.of(limiters.acquire(key))
                        .doOnSuccess(nothing -> log.add(key
                                + EventLoop.getRunningLoop().time().minus(start).toSeconds()))));
            }
            tick();
            tick();
            assertThat(limiters.size()).isEqualTo(2);
            assertThat(limiters).hasToString("<KeyedRateLimiter [1 per PT1S, burst:1, 2 keys]>");
            assertThat(limiters.limiter("a").waiters()).isEqualTo(2);
            assertThat(limiters.limiter("a").permits()).isZero();
            assertThat(limiters.limiter("a").inners().count()).isEqualTo(2);
            assertThat(limiters.limiter("c").permits()).isEqualTo(1);
            assertThat(limiters.limiter("c").waiters()).isZero();
            assertThat(limiters.limiter("c").inners()).isEmpty();
            assertThat(limiters.tryAcquire("b")).isFalse();
            assertThat(limiters.tryAcquire("c")).isTrue();
            await(gather(tasks));
            assertThat(errorOf(createTask(limiters.limiter("a").acquire(Duration.ofMillis(1)))))
                    .hasMessageContaining("rate limiter of a in <KeyedRateLimiter");
        });
        assertThat(log).containsExactly("a0", "b0", "a1", "b1", "a2");
    }

    @Test
    @DisplayName("withPermit of a key, for Mono and Flux")
    void scoped() throws Exception {
        KeyedRateLimiter<String> limiters = KeyedRateLimiter.of(1, SECOND, 1);
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            assertThat(await(limiters.withPermit("a", Mono.just(1)))).isEqualTo(1);
            assertThat(await(limiters.withPermit("a", Flux.range(0, 9)).count()))
                    .isEqualTo(9);
            assertThat(EventLoop.getRunningLoop().time().minus(start)).isEqualTo(SECOND);
        });
        assertThatThrownBy(() -> limiters.acquire(null)).hasMessage("key");
        assertThatThrownBy(() -> limiters.limiter("a").acquire(2)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    @DisplayName("keys whose burst is full again are dropped as others come, those in use are not")
    void dropped() throws Exception {
        KeyedRateLimiter<Integer> limiters = KeyedRateLimiter.of(1, SECOND, 1);
        VirtualTime.run(() -> {
            for (int i = 0; i < 10_000; i++) {
                assertThat(limiters.tryAcquire(i)).isTrue();
                await(sleep(Duration.ofMillis(100))); // ten keys are in use at a time
                assertThat(limiters.tryAcquire(i)).isFalse();
                assertThat(limiters.size()).isLessThanOrEqualTo(65);
            }
        });
    }

    @Test
    @DisplayName("keys in use stay, however many there are")
    void stay() {
        KeyedRateLimiter<Integer> limiters = KeyedRateLimiter.of(1, Duration.ofDays(1), 1);
        for (int i = 0; i < 10_000; i++) {
            assertThat(limiters.tryAcquire(i)).isTrue();
        }
        for (int i = 0; i < 10_000; i++) {
            assertThat(limiters.tryAcquire(i)).isFalse();
        }
        assertThat(limiters.size()).isEqualTo(10_000);
    }

    @Test
    @DisplayName("no key gives more than its burst to many threads, while others come and go")
    void threads() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        KeyedRateLimiter<Object> limiters = KeyedRateLimiter.of(1, Duration.ofDays(1), 3);
        AtomicIntegerArray taken = new AtomicIntegerArray(50);
        List<CompletableFuture<Void>> threads = IntStream.range(0, 4)
                .mapToObj(thread -> CompletableFuture.runAsync(() -> {
                    Random random = new Random(seed + thread);
                    for (int i = 0; i < 20_000; i++) {
                        int key = random.nextInt(50);
                        if (limiters.tryAcquire(key)) {
                            taken.incrementAndGet(key);
                        }
                        limiters.limiter("idle" + random.nextInt(1000) + thread).waiters();
                        limiters.limiter("full" + random.nextInt(1000))
                                .acquire()
                                .subscribe()
                                .dispose();
                    }
                }))
                .toList();
        for (CompletableFuture<Void> thread : threads) {
            thread.get(50, TimeUnit.SECONDS);
        }
        for (int key = 0; key < 50; key++) {
            assertThat(taken.get(key)).as("seed %d", seed).isEqualTo(3);
        }
    }
}
