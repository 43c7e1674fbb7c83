package asyncio.queue;

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
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** The contract of {@link AsyncQueue}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncQueueContract {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);

    /** Creates a queue that is empty, with room for so many items. */
    protected abstract AsyncQueue<Integer> newQueue(int maxsize);

    private static int next(AsyncQueue<Integer> queue) throws Exception {
        return await(waitFor(queue.<Integer>process(Mono::just), LONG));
    }

    private static void assertShutDown(Mono<?> mono) {
        assertThatThrownBy(() -> await(waitFor(mono, LONG)))
                .isInstanceOf(QueueShutDownException.class)
                .hasMessageEndingWith(": it is shut down");
    }

    /** Starts the work on an item, and returns its end. */
    private static Sinks.Empty<Void> hold(AsyncQueue<Integer> queue, List<Task<?>> tasks) throws Exception {
        Sinks.Empty<Void> begun = Sinks.empty();
        Sinks.Empty<Void> end = Sinks.empty();
        tasks.add(createTask(queue.process(item -> {
            begun.tryEmitEmpty();
            return end.asMono();
        })));
        await(waitFor(begun.asMono(), LONG));
        return end;
    }

    @Test
    void nothingHappensBeforeSubscription() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(10);
            Mono<Void> put = queue.put(1);
            Mono<Void> shutdown = queue.shutdown();
            queue.<Integer>process(Mono::just);
            await(queue.join());
            await(put);
            await(put);
            assertThat(await(queue.isShutdown())).isFalse();
            assertThat(next(queue) + next(queue)).isEqualTo(2);
            await(queue.join());
            await(shutdown);
            assertThat(await(queue.isShutdown())).isTrue();
            assertThatThrownBy(() -> queue.put(null)).isInstanceOf(NullPointerException.class);
        });
    }

    @Test
    void anItemGoesToOneThatWaits() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(10);
            List<Task<Integer>> getters = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                getters.add(createTask(queue.process(Mono::just)));
            }
            await(sleep(SHORT));
            assertThat(getters).noneMatch(Task::done);
            Set<Integer> got = new HashSet<>();
            for (int i = 0; i < 5; i++) {
                await(queue.put(i));
            }
            for (Task<Integer> getter : getters) {
                got.add(await(waitFor(getter, LONG)));
            }
            assertThat(got).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
            await(queue.join());
        });
    }

    @Test
    void aPutWaitsForRoom() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(2);
            await(queue.put(1, Duration.ZERO));
            await(queue.put(2));
            for (Duration limit : List.of(Duration.ZERO, SHORT)) {
                assertThatThrownBy(() -> await(queue.put(3, limit)))
                        .isInstanceOf(TimeoutException.class)
                        .hasMessageStartingWith("Timed out");
            }
            Task<Void> left = createTask(queue.put(4));
            Task<Void> waits = createTask(queue.put(5, LONG));
            await(sleep(SHORT));
            assertThat(List.of(left, waits)).noneMatch(Task::done);
            await(left.cancelAndJoin());
            Set<Integer> got = new HashSet<>();
            got.add(next(queue));
            await(waitFor(waits, LONG));
            got.add(next(queue));
            got.add(next(queue));
            assertThat(got).containsExactlyInAnyOrder(1, 2, 5);
            await(queue.join());
        });
    }

    @Test
    void joiningWaitsForTheEndOfTheWork() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(10);
            await(queue.join());
            await(queue.put(1));
            Task<Void> join = createTask(queue.join());
            List<Task<?>> works = new ArrayList<>();
            Sinks.Empty<Void> end = hold(queue, works);
            await(sleep(SHORT));
            assertThat(join.done()).isFalse();
            end.tryEmitEmpty();
            await(works.get(0));
            await(waitFor(join, LONG));
        });
    }

    /** Either it was done with its first work, or it is processed again. */
    @Test
    void anItemWithWorkThatFailsIsDoneInTheEnd() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(10);
            await(queue.put(1));
            assertThatThrownBy(
                            () -> await(queue.process(item -> Mono.error(new IllegalStateException("cannot " + item)))))
                    .hasMessage("cannot 1");
            await(queue.put(2));
            assertThatThrownBy(() -> await(queue.process(item -> {
                        throw new IllegalStateException("thrown");
                    })))
                    .hasMessage("thrown");
            Task<?> consumer =
                    createTask(queue.<Integer>process(Mono::just).repeat().then());
            await(waitFor(queue.join(), LONG));
            await(consumer.cancelAndJoin());
        });
    }

    @Test
    void afterAShutdownTheItemsAreProcessedAndNoMoreArePut() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(2);
            await(queue.put(1));
            await(queue.put(2));
            Task<Void> putter = createTask(queue.put(3));
            await(sleep(SHORT));
            await(queue.shutdown());
            await(queue.shutdown());
            assertShutDown(putter);
            assertShutDown(queue.put(4));
            assertShutDown(queue.put(5, LONG));
            assertThat(next(queue) + next(queue)).isEqualTo(3);
            await(waitFor(queue.join(), LONG));
            assertShutDown(queue.process(Mono::just));
            assertShutDown(queue.process(Mono::just));
            assertThat(await(queue.isShutdown())).isTrue();
        });
    }

    @Test
    void aShutdownEndsThoseThatWaitForAnItem() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(2);
            List<Task<?>> getters = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                getters.add(createTask(queue.process(Mono::just)));
            }
            await(sleep(SHORT));
            await(queue.shutdown());
            for (Task<?> getter : getters) {
                assertShutDown(getter);
            }
        });
    }

    @Test
    void anImmediateShutdownDropsTheItemsThatAreNotProcessed() throws Exception {
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(300);
            for (int i = 0; i < 250; i++) {
                await(queue.put(i));
            }
            List<Task<?>> works = new ArrayList<>();
            Sinks.Empty<Void> end = hold(queue, works);
            await(queue.shutdown());
            await(queue.shutdown(true));
            assertShutDown(queue.put(1));
            assertShutDown(queue.process(Mono::just));
            Task<Void> join = createTask(queue.join());
            await(sleep(SHORT));
            assertThat(join.done()).isFalse();
            end.tryEmitEmpty();
            await(works.get(0));
            await(waitFor(join, LONG));
        });
    }

    /**
     * The queue decides whether the put or the shutdown comes first: no item is accepted and lost, or refused and kept.
     */
    @Test
    void aPutThatMeetsAShutdownFailsOrIsProcessed() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        Asyncio.run(() -> {
            for (int round = 0; round < 10; round++) {
                AsyncQueue<Integer> queue = newQueue(1000);
                List<Task<Void>> puts = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    int item = i;
                    Duration when = Duration.ofNanos(random.nextInt(4_000_000));
                    puts.add(createTask(sleep(when).then(Mono.defer(() -> queue.put(item)))));
                }
                await(sleep(Duration.ofNanos(random.nextInt(4_000_000))));
                await(queue.shutdown());
                Set<Integer> accepted = new HashSet<>();
                for (int i = 0; i < puts.size(); i++) {
                    try {
                        await(waitFor(puts.get(i), LONG));
                        accepted.add(i);
                    } catch (QueueShutDownException e) {
                        // refused
                    }
                }
                List<Integer> processed = await(waitFor(
                        queue.<Integer>process(Mono::just)
                                .repeat()
                                .onErrorComplete(QueueShutDownException.class)
                                .collectList(),
                        LONG));
                assertThat(processed).as("seed %d", seed).containsExactlyInAnyOrderElementsOf(accepted);
            }
        });
    }

    @Test
    void noItemIsLostWhenConsumersAreCancelledAtAnyMoment() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        int items = 60;
        Set<Integer> begun = ConcurrentHashMap.newKeySet();
        Asyncio.run(() -> {
            AsyncQueue<Integer> queue = newQueue(10);
            Task<Void> puts = createTask(async(() -> {
                for (int i = 0; i < items; i++) {
                    await(queue.put(i));
                }
            }));
            List<Task<?>> consumers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                consumers.add(createTask(async(() -> {
                    for (; ; ) {
                        Task<Integer> work = createTask(queue.process(item -> {
                            begun.add(item);
                            return sleep(Duration.ofNanos(random.nextInt(1_000_000)))
                                    .thenReturn(item);
                        }));
                        if (random.nextInt(5) == 0) {
                            await(sleep(Duration.ofNanos(random.nextInt(2_000_000))));
                            work.cancel();
                        }
                        try {
                            await(work);
                        } catch (CancelledException e) {
                            if (Asyncio.currentTask().cancelling() > 0) {
                                throw e;
                            }
                        }
                    }
                })));
            }
            await(waitFor(puts, LONG));
            await(waitFor(queue.join(), LONG));
            for (Task<?> consumer : consumers) {
                await(consumer.cancelAndJoin());
            }
        });
        assertThat(begun)
                .as("seed %d", seed)
                .containsExactlyInAnyOrderElementsOf(
                        IntStream.range(0, items).boxed().toList());
    }
}
