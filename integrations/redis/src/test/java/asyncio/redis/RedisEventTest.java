package asyncio.redis;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import asyncio.Asyncio;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.RedisException;
import org.redisson.config.Config;
import org.redisson.config.ConstantDelay;
import reactor.core.publisher.Mono;

/** Events on a server, beyond the contract that they share with local ones. */
@Timeout(120)
class RedisEventTest {
    private static final Duration SHORT = Duration.ofMillis(50);
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration NEVER = Duration.ofDays(1);

    @RegisterExtension
    static final Redis redis = new Redis();

    private static long subscribers(RedisEvent event) throws Exception {
        return await(Mono.fromCompletionStage(event.topic::countSubscribersAsync));
    }

    private static void untilSubscribed(RedisEvent event, long clients) throws Exception {
        while (subscribers(event) != clients) {
            await(sleep(Duration.ofMillis(1)));
        }
    }

    @Test
    void itIsSetOnAllMachines() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisEvent here = RedisEvent.of(redis.client(), name, NEVER);
                RedisEvent there = RedisEvent.of(other, name, NEVER);
                assertThat(here).hasToString("<RedisEvent " + name + ">");
                List<Task<Void>> waiters = new ArrayList<>();
                for (int i = 0; i < 10; i++) {
                    waiters.add(createTask((i % 2 == 0 ? here : there).await()));
                }
                untilSubscribed(here, 2);
                await(there.set());
                assertThat(await(here.isSet())).isTrue();
                await(here.clear());
                assertThat(await(there.isSet())).isFalse();
                for (Task<Void> waiter : waiters) {
                    await(waitFor(waiter, LONG));
                }
                untilSubscribed(here, 0);
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void aWaiterThatLeavesAtAnyMomentLeavesNothingOnTheServer() throws Exception {
        Asyncio.run(() -> {
            RedisEvent event = RedisEvent.of(redis.client(), redis.name());
            for (int i = 0; i < 40; i++) {
                Task<?> waiter = createTask(i % 2 == 0 ? event.await() : event.await(LONG));
                await(sleep(Duration.ofNanos(i * 100_000L)));
                await(waiter.cancelAndJoin());
            }
            for (int i = 0; i < 10; i++) {
                Duration limit = Duration.ofMillis(i);
                assertThatThrownBy(() -> await(event.await(limit)))
                        .hasMessage("Timed out after " + limit + " waiting for " + event);
            }
            untilSubscribed(event, 0);
            assertThat(event.topic.countListeners()).isZero();
        });
    }

    @Test
    void aWaiterLooksAgainAfterAWhile() throws Exception {
        Asyncio.run(() -> {
            RedisEvent event = RedisEvent.of(redis.client(), redis.name(), SHORT);
            Task<Void> waiter = createTask(event.await());
            untilSubscribed(event, 1);
            event.changes.incrementAndGet(); // set, by one that died before it could tell
            event.changes.incrementAndGet();
            await(waitFor(waiter, LONG));
            assertThat(await(event.isSet())).isFalse();
        });
    }

    @Test
    void settingItAgainTellsThoseThatTheFirstCouldNotTell() throws Exception {
        Asyncio.run(() -> {
            RedisEvent event = RedisEvent.of(redis.client(), redis.name(), NEVER);
            Task<Void> waiter = createTask(event.await());
            untilSubscribed(event, 1);
            await(sleep(SHORT)); // it has looked
            event.changes.incrementAndGet();
            await(event.set());
            await(waitFor(waiter, LONG));
        });
    }

    @Test
    void aMessageOfAnEarlierSetThatIsLateResumesNobodyElse() throws Exception {
        Asyncio.run(() -> {
            RedisEvent event = RedisEvent.of(redis.client(), redis.name(), NEVER);
            await(event.set());
            await(event.clear());
            Task<Void> waiter = createTask(event.await());
            untilSubscribed(event, 1);
            event.topic.publish(1L);
            await(sleep(SHORT));
            assertThat(waiter.done()).isFalse();
            await(event.set());
            await(waitFor(waiter, LONG));
        });
    }

    @Test
    void aServerWithoutItsDataHasAnEventThatIsNotSet() throws Exception {
        Asyncio.run(() -> {
            RedisEvent event = RedisEvent.of(redis.client(), redis.name(), Duration.ofMillis(5));
            for (int i = 0; i < 2; i++) {
                await(event.set());
                await(event.clear());
            }
            Task<Void> waiter = createTask(event.await());
            untilSubscribed(event, 1);
            event.changes.delete();
            await(sleep(SHORT));
            assertThat(waiter.done()).isFalse();
            await(event.set());
            await(waitFor(waiter, LONG));
        });
    }

    /** It looks as soon as it is subscribed again, and sees that the event was set although it is not any more. */
    @Test
    void aWaiterWithoutAConnectionDoesNotMissASet() throws Exception {
        assumeThat(redis.isOwn()).isTrue();
        try (Network network = new Network(redis.port(), new Random(1))) {
            Config config = Redis.config(network.address(), 30_000);
            config.useSingleServer().setRetryAttempts(600).setRetryDelay(new ConstantDelay(Duration.ofMillis(20)));
            RedissonClient client = Redisson.create(config);
            try {
                Asyncio.run(() -> {
                    String name = redis.name();
                    RedisEvent here = RedisEvent.of(redis.client(), name, NEVER);
                    Task<Void> waiter =
                            createTask(RedisEvent.of(client, name, NEVER).await());
                    untilSubscribed(here, 1);
                    await(sleep(SHORT)); // it has looked
                    network.cut();
                    untilSubscribed(here, 0);
                    await(here.set());
                    await(here.clear());
                    assertThat(waiter.done()).isFalse();
                    network.heal();
                    await(waitFor(waiter, LONG));
                });
            } finally {
                client.shutdown();
            }
        }
    }

    @Test
    void anErrorOfTheServerIsThatOfTheCall() throws Exception {
        Asyncio.run(() -> {
            String name = redis.name();
            redis.client().getList(name).add("other");
            RedisEvent event = RedisEvent.of(redis.client(), name);
            for (var call : List.of(event.await(), event.await(LONG), event.set(), event.clear(), event.isSet())) {
                assertThatThrownBy(() -> await(call))
                        .isInstanceOf(RedisException.class)
                        .hasMessageContaining("WRONGTYPE");
            }
        });
    }
}
