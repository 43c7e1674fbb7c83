package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.api.RedissonClient;

/** Countdowns on a server, and events made of them. */
@Timeout(120)
class RedisCountdownTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(30);

    @RegisterExtension
    static final Redis redis = new Redis();

    @Test
    void allMachinesResumeAtZero() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                RedisCountdown here = RedisCountdown.of(redis.client(), redis.name());
                RedisCountdown there = RedisCountdown.of(other, here.toString().split("[ >]")[1]);
                await(here.await()); // it has no count
                assertThat(await(here.setCount(2))).isTrue();
                assertThat(await(there.setCount(3))).isFalse();
                List<Task<?>> waiters = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    waiters.add(createTask((i % 2 == 0 ? here : there).await()));
                }
                await(here.countDown());
                await(sleep(SHORT));
                assertThat(waiters).noneMatch(Task::done);
                assertThat(await(there.count())).isEqualTo(1);
                await(there.countDown());
                for (Task<?> waiter : waiters) {
                    await(waitFor(waiter, LONG));
                }
                await(here.await(Duration.ZERO));
                await(here.countDown());
                assertThat(await(here.count())).isZero();
                assertThat(await(here.setCount(1))).isTrue();
                assertThat(await(there.count())).isEqualTo(1);
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void aWaiterHasADeadlineAndMayLeave() throws Exception {
        Asyncio.run(() -> {
            RedisCountdown countdown = RedisCountdown.of(redis.client(), redis.name());
            await(countdown.setCount(1));
            for (Duration limit : List.of(Duration.ZERO, Duration.ofNanos(1), SHORT)) {
                assertThatThrownBy(() -> await(countdown.await(limit)))
                        .isInstanceOf(TimeoutException.class)
                        .hasMessage("Timed out after " + limit + " waiting for " + countdown);
            }
            Task<?> waiter = createTask(countdown.await());
            await(sleep(SHORT));
            await(waiter.cancelAndJoin());
            await(countdown.countDown());
            await(countdown.await(Duration.ZERO));
            assertThatThrownBy(() -> countdown.setCount(0)).isInstanceOf(IllegalArgumentException.class);
        });
    }
}
