package asyncio.redis;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.queue.QueueShutDownException;
import asyncio.redis.RedisQueue.Options;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.redisson.api.RKeysReactive;
import org.redisson.api.RStream;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamMessageId;
import org.redisson.api.stream.StreamRangeArgs;
import org.redisson.client.RedisException;
import reactor.core.publisher.Mono;

/** A queue with leased items, and at least once delivery. */
@Timeout(120)
class RedisQueueTest {
    private static final Duration SHORT = Duration.ofMillis(600);

    @RegisterExtension
    static final Redis redis = new Redis();

    private static RedisQueue<Integer> queue(Options options) {
        return RedisQueue.of(redis.client(), redis.name(), options);
    }

    @Test
    void itemsComeInTheirOrderAndGoWhenTheyAreAcknowledged() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS);
            for (int i = 0; i < 5; i++) {
                await(queue.put(i));
            }
            List<Integer> got = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                Delivery<Integer> delivery = await(queue.get());
                assertThat(delivery.count()).isOne();
                got.add(delivery.item());
                assertThat(await(queue.size())).isEqualTo(5 - i);
                await(delivery.ack());
            }
            assertThat(got).containsExactly(0, 1, 2, 3, 4);
            await(queue.join());
        });
    }

    @Test
    void aGetterWaitsForAnItemAndMayLeave() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT));
            Task<?> left = createTask(queue.get());
            Task<Delivery<Integer>> getter = createTask(queue.get());
            await(sleep(Duration.ofMillis(50)));
            await(left.cancelAndJoin());
            await(queue.put(1));
            await(await(getter).ack()); // immediately, or when the lease of the consumer that left expires
            await(queue.join());
        });
    }

    @Test
    void anItemIsDeliveredAgainWhenItsConsumerLetsGo() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisQueue<Integer> here = RedisQueue.of(redis.client(), name, Options.DEFAULTS.lease(SHORT));
                RedisQueue<Integer> there = RedisQueue.of(other, name, Options.DEFAULTS.lease(SHORT));
                await(here.put(1));
                Delivery<Integer> first = await(here.get());
                await(sleep(SHORT.multipliedBy(3))); // renewed in the meantime
                assertThat(first.isLost()).isFalse();
                Task<Delivery<Integer>> second = createTask(there.get());
                await(sleep(SHORT));
                assertThat(second.done()).isFalse();
                first.release();
                assertThat(await(second).item()).isEqualTo(1);
                assertThat(await(second).count()).isEqualTo(2);
                await(await(second).ack());
                await(here.join());
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void workThatFailsIsTriedAgainAndThenBuried() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT).maxDeliveries(2));
            await(queue.put(1));
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() ->
                                await(queue.process(item -> Mono.error(new IllegalStateException("cannot " + item)))))
                        .hasMessage("cannot 1");
            }
            await(queue.put(2));
            await(sleep(SHORT));
            assertThat(await(queue.<Integer>process(Mono::just))).isEqualTo(2);
            await(queue.join());
            assertThat(await(queue.deadLetters())).isEqualTo(1);
        });
    }

    @Test
    void anAcknowledgementThatFailsIsTheErrorOfProcess() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT));
            RKeysReactive keys = redis.client().reactive().getKeys();
            String away = queue.name + ":away";
            for (Mono<String> result : List.of(Mono.just("done"), Mono.<String>empty())) {
                await(queue.put(1));
                Mono<String> work = keys.rename(queue.name, away)
                        .then(redis.client().reactive().getBucket(queue.name).set(0))
                        .then(result);
                assertThatThrownBy(() -> await(queue.process(item -> work)))
                        .isInstanceOf(RedisException.class)
                        .hasMessageContaining("WRONGTYPE")
                        .hasMessageContaining(queue.name);
                await(keys.rename(away, queue.name));
                Delivery<Integer> again = await(queue.get());
                assertThat(again.count()).isEqualTo(2);
                await(again.ack());
            }
        });
    }

    /** A consumer with an older class, or another program's entry. */
    @Test
    void anItemThatCannotBeReadIsBuriedAtOnceAsItIs() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS);
            RStream<String, byte[]> entries = queue.stream;
            byte[] unreadable = {(byte) 0xff, 1, 2, 3};
            entries.add(StreamAddArgs.entry(RedisQueue.ITEM, unreadable));
            entries.add(StreamAddArgs.entry("other", unreadable));
            await(queue.put(1));
            assertThat(await(waitFor(queue.<Integer>process(Mono::just), Duration.ofSeconds(10))))
                    .isEqualTo(1);
            await(waitFor(queue.join(), Duration.ofSeconds(10)));
            assertThat(await(queue.deadLetters())).isEqualTo(2);
            List<Map<String, byte[]>> dead = List.copyOf(queue.dead
                    .range(StreamRangeArgs.startId(StreamMessageId.MIN).endId(StreamMessageId.MAX))
                    .values());
            assertThat(dead.get(0).get(RedisQueue.ITEM)).isEqualTo(unreadable);
            assertThat(dead.get(1).get("other")).isEqualTo(unreadable);
        });
    }

    @Test
    void aPutWaitsForRoom() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.maxSize(2));
            await(queue.put(1));
            await(queue.put(2));
            Task<?> third = createTask(queue.put(3));
            await(sleep(SHORT));
            assertThat(third.done()).isFalse();
            await(queue.<Integer>process(Mono::just));
            await(third);
            assertThat(await(queue.size())).isEqualTo(2);
        });
    }

    @Test
    void aFluxGetsOneForEachRequest() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS);
            for (int i = 0; i < 6; i++) {
                await(queue.put(i));
            }
            assertThat(await(queue.asFlux()
                            .concatMap(delivery -> delivery.ack().thenReturn(delivery.item()), 0)
                            .take(4)
                            .collectList()))
                    .containsExactly(0, 1, 2, 3);
            assertThat(await(queue.size())).isEqualTo(2);
        });
    }

    @Test
    void aFluxLeasesNothingThatWasNotRequested() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisQueue<Integer> here = RedisQueue.of(redis.client(), name, Options.DEFAULTS);
                RedisQueue<Integer> there = RedisQueue.of(other, name, Options.DEFAULTS);
                await(here.put(1));
                await(here.put(2));
                assertThat(await(here.asFlux().next()).item()).isEqualTo(1);
                assertThat(await(waitFor(there.get(), Duration.ofSeconds(10))).item())
                        .isEqualTo(2);
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void anItemThatIsLeftIsFoundBehindManyThatAreHeld() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT));
            for (int i = 0; i < 15; i++) {
                await(queue.put(i));
                Delivery<Integer> delivery = await(queue.get());
                if (i == 14) {
                    delivery.release();
                }
            }
            assertThat(await(waitFor(queue.get(), Duration.ofSeconds(20))).item())
                    .isEqualTo(14);
        });
    }

    @Test
    void manyGettersUseOneConnection() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS);
            List<Task<Delivery<Integer>>> getters = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                getters.add(createTask(queue.get()));
            }
            await(sleep(SHORT));
            for (int i = 0; i < 24; i++) {
                await(queue.put(i));
                assertThat(await(queue.size())).isPositive();
            }
            for (Task<Delivery<Integer>> getter : getters) {
                await(await(getter).ack());
            }
            await(queue.join());
        });
    }

    @Test
    void aServerThatLostItsDataIsUsedOn() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS);
            await(queue.put(1));
            await(await(queue.get()).ack());
            redis.client().getKeys().delete(queue.name);
            await(queue.put(2));
            assertThat(await(queue.get()).item()).isEqualTo(2);
        });
    }

    @Test
    void anAckThatIsCancelledLeavesNothingHalfDone() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS);
            for (int i = 0; i < 50; i++) {
                await(queue.put(i));
                Task<Void> ack = createTask(await(queue.get()).ack());
                await(sleep(Duration.ofNanos(i * 20_000L)));
                ack.cancel();
            }
            await(waitFor(queue.join(), Duration.ofSeconds(20)));
        });
    }

    @Test
    void theBoundIsExact() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                Options options = Options.DEFAULTS.maxSize(5);
                List<RedisQueue<Integer>> queues =
                        List.of(RedisQueue.of(redis.client(), name, options), RedisQueue.of(other, name, options));
                List<Task<Void>> puts = new ArrayList<>();
                for (int i = 0; i < 40; i++) {
                    puts.add(createTask(queues.get(i % 2).put(i, Duration.ZERO)));
                }
                for (Task<Void> put : puts) {
                    await(put.onErrorComplete(TimeoutException.class));
                }
                assertThat(await(queues.get(0).size())).isEqualTo(5);
            });
        } finally {
            other.shutdown();
        }
    }

    @Test
    void aShutdownIsForAllMachinesAndLasts() throws Exception {
        RedissonClient other = redis.connect(30_000);
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                RedisQueue<Integer> here = RedisQueue.of(redis.client(), name, Options.DEFAULTS.maxSize(1));
                RedisQueue<Integer> there = RedisQueue.of(other, name, Options.DEFAULTS.maxSize(1));
                await(here.put(1));
                Task<Void> putter = createTask(there.put(2));
                await(here.shutdown());
                assertThatThrownBy(() -> await(putter))
                        .isInstanceOf(QueueShutDownException.class)
                        .hasMessage("Cannot put into " + there + ": it is shut down");
                assertThat(await(there.isShutdown())).isTrue();
                assertThat(await(there.asFlux()
                                .concatMap(delivery -> delivery.ack().thenReturn(delivery.item()))
                                .collectList()))
                        .containsExactly(1);
                RedisQueue<Integer> later = RedisQueue.of(other, name, Options.DEFAULTS);
                assertThatThrownBy(() -> await(later.get()))
                        .isInstanceOf(QueueShutDownException.class)
                        .hasMessage("Cannot get from " + later + ": it is shut down");
                assertThatThrownBy(() -> await(later.put(2))).isInstanceOf(QueueShutDownException.class);
                await(later.reopen());
                await(later.reopen());
                await(here.put(3));
                assertThat(await(there.<Integer>process(Mono::just))).isEqualTo(3);
                assertThat(await(here.isShutdown())).isFalse();
            });
        } finally {
            other.shutdown();
        }
    }

    /** It was accepted, and so it is processed, although its consumer lets it go after the shutdown. */
    @Test
    void consumersStayUntilAllItemsAreAcknowledged() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT));
            await(queue.put(1));
            Delivery<Integer> first = await(queue.get());
            await(queue.shutdown());
            Task<Delivery<Integer>> second = createTask(queue.get());
            await(sleep(SHORT));
            assertThat(second.done()).isFalse();
            first.release();
            assertThat(await(second).count()).isEqualTo(2);
            await(await(second).ack());
            assertThatThrownBy(() -> await(queue.get())).isInstanceOf(QueueShutDownException.class);
        });
    }

    @Test
    void aGetterDropsItemsThatComeBackAfterAnImmediateShutdown() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT));
            await(queue.put(1));
            Delivery<Integer> left = await(queue.get());
            await(queue.shutdown(true));
            left.release();
            await(sleep(SHORT.multipliedBy(2))); // beyond the lease
            assertThat(await(queue.size())).isOne();
            RedisQueue<Integer> later = RedisQueue.of(redis.client(), queue.name, Options.DEFAULTS.lease(SHORT));
            assertThatThrownBy(() -> await(later.get())).isInstanceOf(QueueShutDownException.class);
            assertThat(await(queue.size())).isZero();
        });
    }

    @Test
    void anImmediateShutdownDropsItemsThatComeBack() throws Exception {
        Asyncio.run(() -> {
            RedisQueue<Integer> queue = queue(Options.DEFAULTS.lease(SHORT));
            for (int i = 0; i < 3; i++) {
                await(queue.put(i));
            }
            Delivery<Integer> held = await(queue.get());
            Delivery<Integer> left = await(queue.get());
            await(queue.shutdown(true));
            assertThat(await(queue.size())).isEqualTo(2);
            assertThatThrownBy(() -> await(queue.get())).isInstanceOf(QueueShutDownException.class);
            Task<Void> join = createTask(queue.join());
            left.release();
            while (await(queue.size()) > 1) { // the joiner drops it
                await(sleep(Duration.ofMillis(5)));
            }
            assertThat(join.done()).isFalse();
            assertThat(held.isLost()).isFalse();
            await(held.ack());
            await(waitFor(join, Duration.ofSeconds(10)));
        });
    }

    /** With consumers that are cancelled or fail at random, no item is acknowledged without having been processed. */
    @Test
    void nothingIsLost() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        int items = 200;
        RedissonClient other = redis.connect(30_000);
        Map<Integer, Integer> done = new ConcurrentHashMap<>();
        try {
            Asyncio.run(() -> {
                String name = redis.name();
                List<RedisQueue<Integer>> queues = List.of(
                        RedisQueue.of(redis.client(), name, Options.DEFAULTS.lease(SHORT)),
                        RedisQueue.of(other, name, Options.DEFAULTS.lease(SHORT)));
                await(TaskGroup.scopeBody(group -> {
                    Task<?> puts = group.createTask(async(() -> {
                        for (int i = 0; i < items; i++) {
                            await(queues.get(0).put(i));
                        }
                    }));
                    List<Task<?>> consumers = new ArrayList<>();
                    for (int i = 0; i < 4; i++) {
                        RedisQueue<Integer> queue = queues.get(i % 2);
                        consumers.add(group.createTask(async(() -> {
                            for (; ; ) {
                                boolean fails = random.nextInt(10) == 0;
                                Mono<Integer> work = queue.process(item -> sleep(
                                                Duration.ofNanos(random.nextInt(2_000_000)))
                                        .then(
                                                fails
                                                        ? Mono.error(new IllegalStateException())
                                                        : Mono.fromSupplier(() -> done.merge(item, 1, Integer::sum))));
                                Task<Integer> task = createTask(work);
                                try {
                                    if (random.nextInt(10) == 0) {
                                        await(sleep(Duration.ofNanos(random.nextInt(4_000_000))));
                                        task.cancel();
                                    }
                                    await(task);
                                } catch (CancelledException e) {
                                    if (Asyncio.currentTask().cancelling() > 0) {
                                        throw e;
                                    }
                                } catch (IllegalStateException e) {
                                    // expected
                                }
                            }
                        })));
                    }
                    await(puts);
                    await(queues.get(0).join());
                    consumers.forEach(Task::cancel);
                    return null;
                }));
            });
        } finally {
            other.shutdown();
        }
        assertThat(done.keySet())
                .as("seed %d", seed)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, items).boxed().toList());
    }
}
