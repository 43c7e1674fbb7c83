package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The contract of {@link AsyncSemaphore}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncSemaphoreContract {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);

    /** Creates a semaphore with {@code permits} free permits. */
    protected abstract AsyncSemaphore newSemaphore(int permits) throws Exception;

    private static void assertFree(AsyncSemaphore semaphore, int permits) throws Exception {
        List<Permit> all = new ArrayList<>();
        for (int i = 0; i < permits; i++) {
            all.add(await(semaphore.acquire(LONG)));
        }
        assertThatThrownBy(() -> await(semaphore.acquire(SHORT))).isInstanceOf(TimeoutException.class);
        all.forEach(Permit::release);
    }

    @Test
    void soManyAreInsideAtATime() throws Exception {
        Asyncio.run(() -> {
            AsyncSemaphore semaphore = newSemaphore(3);
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger most = new AtomicInteger();
            await(TaskGroup.scopeBody(group -> {
                for (int i = 0; i < 12; i++) {
                    group.createTask(semaphore.withPermit(async(() -> {
                        most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                        await(sleep(Duration.ofMillis(5)));
                        inside.decrementAndGet();
                    })));
                }
                return null;
            }));
            assertThat(most).hasValue(3);
            assertFree(semaphore, 3);
        });
    }

    @Test
    void aWaiterHasADeadlineAndMayLeave() throws Exception {
        Asyncio.run(() -> {
            AsyncSemaphore semaphore = newSemaphore(1);
            Permit first = await(semaphore.acquire());
            assertThatThrownBy(() -> await(semaphore.acquire(SHORT)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Timed out");
            Task<?> waiter = createTask(semaphore.acquire());
            await(sleep(SHORT));
            await(waiter.cancelAndJoin());
            first.release();
            first.release();
            assertFree(semaphore, 1);
        });
    }

    @Test
    void itIsReleasedHoweverTheWorkEnds() throws Exception {
        Asyncio.run(() -> {
            AsyncSemaphore semaphore = newSemaphore(2);
            assertThat(await(semaphore.withPermit(Mono.just(1)))).isEqualTo(1);
            assertThatThrownBy(() -> await(semaphore.withPermit(Mono.error(new IllegalStateException("oops")))))
                    .hasMessage("oops");
            assertThat(await(semaphore.withPermit(Flux.range(0, 3)).collectList()))
                    .containsExactly(0, 1, 2);
            assertThat(await(semaphore.withPermit(Flux.range(0, 3)).next())).isZero();
            Task<?> task = createTask(semaphore.withPermit(sleep(LONG)));
            await(sleep(SHORT));
            await(task.cancelAndJoin());
            assertFree(semaphore, 2);
        });
    }

    @Test
    void noPermitIsLostWhenTheyAreCancelledAtAnyMoment() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        Asyncio.run(() -> {
            AsyncSemaphore semaphore = newSemaphore(2);
            for (int round = 0; round < 20; round++) {
                List<Task<?>> tasks = new ArrayList<>();
                for (int i = 0; i < 6; i++) {
                    tasks.add(createTask(
                            random.nextBoolean()
                                    ? semaphore.withPermit(sleep(Duration.ofNanos(random.nextInt(2_000_000))))
                                    : async(() -> await(semaphore.acquire()).release())));
                }
                await(sleep(Duration.ofNanos(random.nextInt(6_000_000))));
                for (Task<?> task : tasks) {
                    await(task.cancelAndJoin());
                }
            }
            try {
                assertFree(semaphore, 2);
            } catch (TimeoutException e) {
                throw new AssertionError("a permit was lost, seed " + seed, e);
            }
        });
    }
}
