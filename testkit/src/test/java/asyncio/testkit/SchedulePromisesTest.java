package asyncio.testkit;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Body;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.queue.Queue;
import asyncio.queue.QueueShutDownException;
import asyncio.sync.Condition;
import asyncio.sync.Lock;
import asyncio.sync.Permit;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Orders and times that no schedule changes: programs that are correct under every seed. */
@Timeout(300)
class SchedulePromisesTest {
    private static final int SEEDS = Integer.getInteger("asyncio.test.schedules", 200);
    private static final List<Integer> ONE_TO_TWENTY =
            IntStream.rangeClosed(1, 20).boxed().toList();

    private interface Program {
        void run(VirtualTimeLoop time) throws Exception;
    }

    private static void underEachSeed(Program program) {
        long given = Long.getLong("asyncio.test.seed", -1);
        for (long seed = given < 0 ? 0 : given; seed < (given < 0 ? SEEDS : given + 1); seed++) {
            try (VirtualTimeLoop time = VirtualTimeLoop.builder().seed(seed).build()) {
                time.run(() -> program.run(time));
            } catch (Throwable e) {
                throw new AssertionError("-Dasyncio.test.seed=" + seed + " replays it: " + e, e);
            }
        }
    }

    /** Starts a task that takes steps in between, whether or not the others take turns. */
    private static Task<Void> noise() {
        return createTask(async(() -> {
            for (int i = 0; i < 10; i++) {
                await(sleep(Duration.ofMillis(i % 3)));
            }
        }));
    }

    @Test
    void callbacksRunInTheOrderInWhichTheyWereScheduled() {
        underEachSeed(time -> {
            Task<Void> noise = noise();
            List<Integer> order = new ArrayList<>();
            for (int number : ONE_TO_TWENTY) {
                time.loop().callSoon(() -> {
                    order.add(number);
                    time.loop().callSoon(() -> order.add(number + 20));
                });
            }
            await(noise);
            assertThat(order).isEqualTo(IntStream.rangeClosed(1, 40).boxed().toList());
        });
    }

    @Test
    void aStepComesAfterTheCallbacksThatStoodBeforeIt() {
        underEachSeed(time -> {
            Task<Void> noise = noise();
            List<String> order = new ArrayList<>();
            time.loop().callSoon(() -> order.add("callback"));
            await(sleep(Duration.ZERO));
            assertThat(order).containsExactly("callback");
            Future<String> future = time.loop().createFuture();
            future.addDoneCallback(done -> order.add("done callback"));
            time.loop().callSoon(() -> future.setResult("result"));
            assertThat(await(future)).isEqualTo("result");
            assertThat(order).containsExactly("callback", "done callback");
            await(noise);
        });
    }

    @Test
    void aLockASemaphoreAndAConditionServeInTheOrderOfTheirLine() {
        underEachSeed(time -> {
            Lock lock = new Lock();
            inLine(time, lock::acquire);
            inLine(time, new Semaphore(1)::acquire);
            Condition changed = new Condition(lock);
            List<Integer> order = new ArrayList<>();
            List<Task<Void>> tasks = new ArrayList<>();
            for (int number : ONE_TO_TWENTY) {
                tasks.add(createTask(async(() -> {
                    try (Permit permit = await(changed.acquire())) {
                        await(changed.await());
                        order.add(number);
                        await(sleep(Duration.ZERO));
                        assertThat(permit.isReleased()).isFalse();
                    }
                })));
                await(time.clock().settle());
            }
            try (Permit permit = await(changed.acquire())) {
                changed.signalAll();
                assertThat(permit.isReleased()).isFalse();
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
            assertThat(order).isEqualTo(ONE_TO_TWENTY);
        });
    }

    private static void inLine(VirtualTimeLoop time, Supplier<Mono<Permit>> acquire) throws Exception {
        List<Integer> order = new ArrayList<>();
        List<Task<Void>> tasks = new ArrayList<>();
        try (Permit first = await(acquire.get())) {
            for (int number : ONE_TO_TWENTY) {
                tasks.add(createTask(async(() -> {
                    try (Permit permit = await(acquire.get())) {
                        order.add(number);
                        await(sleep(Duration.ZERO));
                        assertThat(permit.isReleased()).isFalse();
                    }
                })));
                await(time.clock().settle());
            }
            assertThat(first.isReleased()).isFalse();
        }
        for (Task<Void> task : tasks) {
            await(task);
        }
        assertThat(order).isEqualTo(ONE_TO_TWENTY);
    }

    @Test
    void aQueueKeepsItsOrder() {
        underEachSeed(time -> {
            Queue<Integer> queue = new Queue<>(3);
            List<Integer> got = new ArrayList<>();
            Task<Void> noise = noise();
            await(all(
                    async(() -> {
                        for (int number : ONE_TO_TWENTY) {
                            await(queue.put(number));
                        }
                        queue.shutdown();
                    }),
                    async(() -> {
                        try {
                            while (true) {
                                got.add(await(queue.get()));
                            }
                        } catch (QueueShutDownException e) {
                            // no more items
                        }
                    })));
            assertThat(got).isEqualTo(ONE_TO_TWENTY);
            await(noise);
        });
    }

    @Test
    void noTimerIsEarlyAndEqualDeadlinesAreInOrder() {
        underEachSeed(time -> {
            List<Integer> order = new ArrayList<>();
            Future<Void> last = time.loop().createFuture();
            for (int number : ONE_TO_TWENTY) {
                Duration due = Duration.ofMillis(10 + number);
                time.loop()
                        .callLater(
                                due, () -> assertThat(time.clock().now()).isBetween(due, due.plus(due.dividedBy(10))));
                time.loop().callLater(Duration.ofMillis(20), () -> order.add(number));
            }
            time.loop().callLater(Duration.ofMillis(50), () -> last.setResult(null));
            await(last);
            assertThat(order).isEqualTo(ONE_TO_TWENTY);
            assertThat(time.clock().now()).isEqualTo(Duration.ofMillis(50));
        });
    }

    @Test
    void aTimerWithoutAnotherCloseBehindItIsOnTime() {
        underEachSeed(time -> {
            List<String> times = new ArrayList<>();
            List<Mono<Void>> sleepers = new ArrayList<>();
            for (int hours : new int[] {1, 2, 3, 4, 5}) {
                sleepers.add(async(() -> {
                    await(sleep(Duration.ofHours(hours)));
                    times.add(time.clock().now().toString());
                }));
            }
            await(all(sleepers));
            assertThat(times).containsExactly("PT1H", "PT2H", "PT3H", "PT4H", "PT5H");
            assertThatThrownBy(() -> await(waitFor(sleep(Duration.ofHours(1)), Duration.ofSeconds(1))))
                    .isInstanceOf(TimeoutException.class);
            assertThat(time.clock().now()).isEqualTo(Duration.ofHours(5).plusSeconds(1));
        });
    }

    @Test
    void theClockOfATestAdvancesToTheNanosecond() {
        underEachSeed(time -> {
            boolean[] fired = {false};
            time.loop()
                    .callLater(
                            Duration.ofMillis(995),
                            () -> assertThat(time.clock().now()).isLessThanOrEqualTo(Duration.ofMillis(999)));
            time.loop().callLater(Duration.ofSeconds(1), () -> fired[0] = true);
            await(time.clock().advance(Duration.ofMillis(999)));
            assertThat(fired[0]).isFalse();
            assertThat(time.clock().now()).isEqualTo(Duration.ofMillis(999));
            await(time.clock().advance(Duration.ofMillis(1)));
            assertThat(fired[0]).isTrue();
            Verifiers.withLoop(
                            time.loop(),
                            () -> Flux.interval(Duration.ofSeconds(30), time.scheduler())
                                    .take(2))
                    .expectNoEvent(Duration.ofSeconds(30))
                    .expectNext(0L)
                    .thenAwait(Duration.ofSeconds(30))
                    .expectNext(1L)
                    .verifyComplete();
        });
        for (long seed = 0; seed < SEEDS; seed++) {
            try (VirtualTimeLoop time = VirtualTimeLoop.builder().seed(seed).build()) {
                boolean[] fired = {false};
                time.loop().callLater(Duration.ofMillis(999), () -> {});
                time.loop().callLater(Duration.ofMillis(1001), () -> fired[0] = true);
                time.advance(Duration.ofSeconds(1));
                assertThat(fired[0]).as("seed %s", seed).isFalse();
                assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(1));
                time.runUntilIdle();
                assertThat(fired[0]).isTrue();
            }
        }
    }

    @Test
    void aTaskThatPollsDoesNotStarveTheOthers() {
        underEachSeed(time -> {
            boolean[] done = {false};
            Body poll = () -> {
                while (!done[0]) {
                    await(sleep(Duration.ZERO));
                }
            };
            await(all(async(poll), async(poll), async(() -> {
                for (int i = 0; i < 30; i++) {
                    await(sleep(Duration.ZERO));
                }
                done[0] = true;
            })));
            EventLoop loop = time.loop();
            Future<Void> endless = loop.createFuture();
            loop.callSoon(new Runnable() {
                @Override
                public void run() {
                    if (!endless.done()) {
                        loop.callSoon(this);
                    }
                }
            });
            await(sleep(Duration.ZERO));
            endless.setResult(null);
        });
    }

    @Test
    void theSameSeedIsTheSameRun() {
        Function<Long, List<String>> run = seed -> {
            List<String> trail = new ArrayList<>();
            try (VirtualTimeLoop time = VirtualTimeLoop.builder().seed(seed).build()) {
                time.run(() -> {
                    List<Mono<Void>> bodies = new ArrayList<>();
                    for (int number : ONE_TO_TWENTY) {
                        bodies.add(async(() -> {
                            for (int i = 0; i < 3; i++) {
                                await(sleep(Duration.ofMillis((10L + number) * i)));
                                trail.add(number + " at " + time.clock().now());
                            }
                        }));
                    }
                    await(all(bodies));
                });
            } catch (Exception e) {
                throw new AssertionError(e);
            }
            return trail;
        };
        List<List<String>> runs = new ArrayList<>();
        for (long seed = 0; seed < SEEDS; seed++) {
            List<String> once = run.apply(seed);
            assertThat(run.apply(seed)).as("seed %s", seed).isEqualTo(once);
            runs.add(once);
        }
        assertThat(runs.stream().distinct().count()).isGreaterThan(SEEDS * 9L / 10);
    }
}
