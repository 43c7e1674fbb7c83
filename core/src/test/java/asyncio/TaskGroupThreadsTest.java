package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** Groups that end while another thread uses them. */
@Timeout(120)
class TaskGroupThreadsTest {
    private static final int ROUNDS = 3_000;

    /**
     * Calls a function with each of many groups on another thread, while the group's body waits for it, after the
     * scope, or at any time between; then checks its results.
     */
    private static <R> void race(Function<TaskGroup, R> function, Function<R, Mono<Void>> check) throws Exception {
        ExecutorService other = Executors.newSingleThreadExecutor();
        SynchronousQueue<TaskGroup> open = new SynchronousQueue<>();
        try {
            Asyncio.run(() -> {
                for (int i = 0; i < ROUNDS; i++) {
                    int ticks = i % 8;
                    boolean reactive = i / 8 % 2 == 0;
                    int spins = i % 100 * 20;
                    boolean before = ticks == 7;
                    boolean after = ticks == 6;
                    AtomicReference<TaskGroup> ended = new AtomicReference<>();
                    java.util.concurrent.Future<R> result = other.submit(() -> {
                        TaskGroup group = open.take();
                        for (int spin = 0; spin < spins; spin++) {
                            Thread.onSpinWait();
                        }
                        return function.apply(group);
                    });
                    BodyFunction<TaskGroup, Void> body = group -> {
                        if (after) {
                            ended.set(group);
                            return null;
                        }
                        open.put(group);
                        for (int tick = 0; before ? !result.isDone() : tick < ticks; tick++) {
                            await(sleep(Duration.ZERO));
                        }
                        return null;
                    };
                    await(
                            reactive
                                    ? TaskGroup.scope(group -> async(() -> body.apply(group)))
                                    : TaskGroup.scopeBody(body));
                    if (after) {
                        open.put(ended.get());
                    }
                    await(check.apply(result.get()));
                    assertThat(currentTask().cancelling()).isZero();
                    await(sleep(Duration.ZERO));
                }
            });
        } finally {
            other.shutdownNow();
        }
    }

    @Test
    @DisplayName("createTask from another thread as the group ends: refused, or the task has ended with the group")
    void createTask() throws Exception {
        int[] outcomes = new int[2];
        race(
                group -> {
                    try {
                        return group.createTask(async(() -> {
                            await(sleep(Duration.ZERO));
                            await(sleep(Duration.ZERO));
                        }));
                    } catch (IllegalStateException e) {
                        assertThat(e).hasMessageContaining("is finished");
                        return null;
                    }
                },
                task -> {
                    outcomes[task == null ? 0 : 1]++;
                    assertThat(task == null || task.done()).isTrue();
                    return Mono.empty();
                });
        assertThat(outcomes[0] + outcomes[1]).isEqualTo(ROUNDS);
        assertThat(outcomes[0]).as("refused").isPositive();
        assertThat(outcomes[1]).as("accepted").isPositive();
    }

    @Test
    @DisplayName(
            "cancel() from another thread as the group ends: it ends without an error, and nobody else is cancelled")
    void cancel() throws Exception {
        race(
                group -> {
                    group.cancel();
                    return group;
                },
                group -> {
                    assertThat(group.tasks()).isEmpty();
                    return sleep(Duration.ZERO);
                });
    }
}
