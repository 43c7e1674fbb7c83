package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.sync.Event;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.api.RedissonClient;

/** Broadcasts on a server, with at most once delivery. */
@Timeout(120)
class RedisBroadcastTest {
    private static final Duration LONG = Duration.ofSeconds(30);

    @RegisterExtension
    static final Redis redis = new Redis();

    private static void untilSubscribed(RedisBroadcast<?> broadcast, long clients) throws Exception {
        while (await(broadcast.subscribers()) != clients) {
            await(sleep(Duration.ofMillis(1)));
        }
    }

    @Test
    void allSubscribersGetAllItemsInOrder() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisBroadcast<Integer> here = RedisBroadcast.of(redis.client(), name, Integer.class);
                RedisBroadcast<Integer> there = RedisBroadcast.of(other, name, Integer.class);
                assertThat(await(here.send(-1))).isZero();
                Task<List<Integer>> first =
                        createTask(here.asFlux(100).take(100).collectList());
                Task<List<Integer>> second =
                        createTask(there.asFlux(100).take(100).collectList());
                untilSubscribed(here, 2);
                for (int i = 0; i < 100; i++) {
                    assertThat(await((i % 2 == 0 ? here : there).send(i))).isEqualTo(2);
                }
                List<Integer> all = IntStream.range(0, 100).boxed().toList();
                assertThat(await(waitFor(first, LONG))).isEqualTo(all);
                assertThat(await(waitFor(second, LONG))).isEqualTo(all);
                untilSubscribed(here, 0);
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void aCancelledSubscriptionEndsOnTheServerAtAnyMoment() throws Exception {
        Asyncio.run(() -> {
            RedisBroadcast<Integer> broadcast = RedisBroadcast.of(redis.client(), redis.name(), Integer.class);
            for (int i = 0; i < 20; i++) {
                Task<?> subscriber = createTask(broadcast.asFlux(1).then());
                await(sleep(Duration.ofNanos(i * 100_000L)));
                await(subscriber.cancelAndJoin());
            }
            untilSubscribed(broadcast, 0);
        });
    }

    @Test
    void aSubscriberThatIsFarBehindFails() throws Exception {
        Asyncio.run(() -> {
            RedisBroadcast<Integer> broadcast = RedisBroadcast.of(redis.client(), redis.name(), Integer.class);
            Event gate = new Event();
            Task<?> slow = createTask(broadcast
                    .asFlux(2)
                    .concatMap(item -> gate.await().thenReturn(item), 1)
                    .then());
            untilSubscribed(broadcast, 1);
            Task<?> fast = createTask(broadcast.asFlux(100).take(10).then());
            while (!fast.done()) {
                await(broadcast.send(1)); // each one comes to the slow subscriber first
            }
            gate.set();
            assertThatThrownBy(() -> await(waitFor(slow, LONG)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("more than 2 items behind");
        });
    }
}
