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
import java.io.IOException;
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

/** The contract of {@link AsyncLock}; each implementation has a subclass. */
@Timeout(120)
public abstract class AsyncLockContract {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);

    /** Creates a lock that is free. */
    protected abstract AsyncLock newLock();

    private void assertFree(AsyncLock lock) throws Exception {
        await(lock.acquire(LONG)).release();
    }

    @Test
    void nothingHappensBeforeSubscription() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            Mono<? extends Permit> acquire = lock.acquire();
            await(lock.withLock(Mono.just(1)));
            Permit permit = await(acquire);
            permit.release();
            permit.release();
            assertThat(permit.isReleased()).isTrue();
            await(acquire).release();
        });
    }

    @Test
    void oneHoldsItAtATime() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger entered = new AtomicInteger();
            await(TaskGroup.scopeBody(group -> {
                for (int i = 0; i < 8; i++) {
                    group.createTask(async(() -> {
                        for (int n = 0; n < 5; n++) {
                            await(lock.withLock(async(() -> {
                                assertThat(inside.incrementAndGet()).isOne();
                                await(sleep(Duration.ofMillis(1)));
                                inside.decrementAndGet();
                                entered.incrementAndGet();
                            })));
                        }
                    }));
                }
                return null;
            }));
            assertThat(entered).hasValue(40);
        });
    }

    /** Redisson's own reactive locks admit both: redisson 4467. */
    @Test
    void twoOnOneThreadAreTwo() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            Permit first = await(lock.acquire());
            assertThatThrownBy(() -> await(lock.acquire(SHORT)))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContaining("Timed out");
            assertThatThrownBy(() -> await(lock.acquire(Duration.ZERO))).isInstanceOf(TimeoutException.class);
            first.release();
            assertFree(lock);
        });
    }

    @Test
    void oneThatIsReleasedPassesToAWaiter() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            Permit first = await(lock.acquire());
            Task<Permit> waiter = createTask(lock.acquire().cast(Permit.class));
            await(sleep(SHORT));
            assertThat(waiter.done()).isFalse();
            first.release();
            await(waiter).release();
            assertFree(lock);
        });
    }

    @Test
    void aWaiterThatIsCancelledLeavesNothing() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            Permit first = await(lock.acquire());
            List<Task<?>> waiters = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                waiters.add(createTask(lock.acquire()));
            }
            await(sleep(SHORT));
            for (Task<?> waiter : waiters) {
                await(waiter.cancelAndJoin());
            }
            first.release();
            assertFree(lock);
        });
    }

    @Test
    void noPermitIsLostWhenTheyAreCancelledAtAnyMoment() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            for (int round = 0; round < 20; round++) {
                List<Task<?>> tasks = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    tasks.add(createTask(
                            random.nextBoolean()
                                    ? lock.withLock(sleep(Duration.ofNanos(random.nextInt(2_000_000))))
                                    : async(() -> await(lock.acquire()).release())));
                }
                await(sleep(Duration.ofNanos(random.nextInt(6_000_000))));
                for (Task<?> task : tasks) {
                    task.cancel();
                }
                for (Task<?> task : tasks) {
                    await(task.cancelAndJoin());
                }
            }
            try {
                assertFree(lock);
            } catch (TimeoutException e) {
                throw new AssertionError("a permit was lost, seed " + seed, e);
            }
        });
    }

    @Test
    void itIsReleasedHoweverTheWorkEnds() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            assertThat(await(lock.withLock(Mono.just(1)))).isEqualTo(1);
            assertThat(await(lock.withLock(Mono.<Integer>empty()))).isNull();
            IOException oops = new IOException("oops");
            assertThatThrownBy(() -> await(lock.withLock(Mono.error(oops)))).isSameAs(oops);
            assertThat(await(lock.withLock(Flux.range(0, 3)).collectList())).containsExactly(0, 1, 2);
            assertThat(await(lock.withLock(Flux.range(0, 3)).next())).isZero();
            Task<?> task = createTask(lock.withLock(sleep(LONG)));
            await(sleep(SHORT));
            await(task.cancelAndJoin());
            assertFree(lock);
        });
    }

    /** redisson-examples 23: a {@code doFinally(unlock)} is not waited for. */
    @Test
    void theReleaseIsWaitedFor() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            for (int i = 0; i < 10; i++) {
                await(lock.withLock(Mono.just(i)));
                await(lock.acquire(Duration.ZERO)).release();
                assertFree(lock);
            }
        });
    }

    @Test
    void itIsReleasedWhenTheCleanUpOfTheWorkHasEnded() throws Exception {
        Asyncio.run(() -> {
            AsyncLock lock = newLock();
            AtomicInteger inside = new AtomicInteger();
            Task<?> task = createTask(lock.withLock(async(() -> {
                inside.incrementAndGet();
                try {
                    await(sleep(LONG));
                } finally {
                    await(sleep(SHORT));
                    inside.decrementAndGet();
                }
            })));
            while (inside.get() == 0) {
                await(sleep(Duration.ofMillis(1)));
            }
            task.cancel();
            assertThat(await(lock.withLock(Mono.fromCallable(inside::get)))).isZero();
        });
    }
}
