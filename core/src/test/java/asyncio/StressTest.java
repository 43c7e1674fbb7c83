package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Bodies, foreign completions, cancellations and interrupts at random. {@code -Dasyncio.test.seed} replays. */
@Timeout(120)
class StressTest {
    private static final int BODIES = 64;
    private static final int STEPS = 300;

    /** Only bodies touch it, without locks: it is right if one body runs at a time. */
    private int shared;

    private boolean inside;

    @Test
    void sixtyFourBodiesUnderForeignCompletionsCancellationsAndInterrupts() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        ScheduledExecutorService foreign = Executors.newScheduledThreadPool(2);
        AtomicInteger cancelled = new AtomicInteger();
        try {
            Asyncio.run(() -> {
                List<Task<Integer>> tasks = new ArrayList<>();
                for (int i = 0; i < BODIES; i++) {
                    Random random = new Random(seed + i);
                    tasks.add(createTask(async(() -> {
                        for (int step = 0; step < STEPS; step++) {
                            step(random, foreign, cancelled);
                            assertThat(inside)
                                    .as("seed %d: another body is running", seed)
                                    .isFalse();
                            inside = true;
                            int before = shared;
                            Thread.onSpinWait();
                            shared = before + 1;
                            inside = false;
                        }
                        return STEPS;
                    })));
                }
                int steps = 0;
                for (Task<Integer> task : tasks) {
                    steps += await(task);
                }
                assertThat(shared).as("seed %d", seed).isEqualTo(steps).isEqualTo(BODIES * STEPS);
                assertThat(Asyncio.allTasks()).as("seed %d", seed).containsExactly(Asyncio.currentTask());
            });
        } catch (Throwable e) {
            throw new AssertionError("seed " + seed + " (replay with -Dasyncio.test.seed=" + seed + ")", e);
        } finally {
            foreign.shutdownNow();
        }
        assertThat(cancelled.get()).isPositive();
    }

    private static void step(Random random, ScheduledExecutorService foreign, AtomicInteger cancelled)
            throws Exception {
        Future<Integer> future = new Future<>();
        switch (random.nextInt(9)) {
            case 0 -> await(sleep(Duration.ZERO));
            case 1 -> await(sleep(Duration.ofNanos(random.nextInt(200_000))));
            case 2 -> {
                foreign.execute(() -> future.setResult(1));
                assertThat(await(future)).isEqualTo(1);
            }
            case 3 -> {
                foreign.schedule(() -> future.setResult(2), random.nextInt(200), TimeUnit.MICROSECONDS);
                int doubled = await(future.map(x -> x * 2));
                assertThat(doubled).isEqualTo(4);
            }
            case 4 -> {
                // a task cancelled from its own loop
                Task<Integer> task = createTask(async(() -> await(future)));
                if (random.nextBoolean()) {
                    await(sleep(Duration.ZERO));
                }
                task.cancel();
                joinCancelled(task, cancelled);
            }
            case 5 -> {
                // cancelled by another thread, in a race with its completion
                Task<Integer> task = createTask(async(() -> await(future)));
                await(sleep(Duration.ZERO));
                foreign.execute(() -> future.trySetResult(3));
                foreign.execute(task::cancel);
                joinCancelled(task, cancelled);
            }
            case 6 -> {
                Thread me = Thread.currentThread();
                foreign.execute(() -> {
                    me.interrupt();
                    future.setResult(1);
                });
                await(future);
                assertThat(Thread.interrupted()).isTrue();
            }
            case 7 ->
                assertThat(await(Mono.just(5).publishOn(Schedulers.parallel()))).isEqualTo(5);
            default -> assertThat(await(toThread(() -> 6))).isEqualTo(6);
        }
    }

    private static void joinCancelled(Task<Integer> task, AtomicInteger cancelled) throws Exception {
        try {
            assertThat(await(task)).isEqualTo(3);
        } catch (CancelledException e) {
            assertThat(task.cancelled()).isTrue();
            cancelled.incrementAndGet();
        }
    }
}
