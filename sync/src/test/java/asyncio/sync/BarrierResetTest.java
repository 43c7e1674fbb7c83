package asyncio.sync;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.sync.BarrierTest.N;
import static asyncio.sync.BarrierTest.meet;
import static asyncio.sync.BarrierTest.tasks;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.EventLoop;
import asyncio.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The rows of the catalogue: reset and abort. */
@Timeout(60)
class BarrierResetTest {
    private final Barrier barrier = new Barrier(N);
    private final List<Boolean> results1 = new ArrayList<>();
    private final List<Boolean> results2 = new ArrayList<>();
    private final List<Boolean> results3 = new ArrayList<>();
    private int count;

    private static void isUsable(Barrier barrier) throws Exception {
        assertThat(barrier).hasToString("<Barrier [filling, waiters:0/5]>");
        assertThat(barrier.broken()).isFalse();
        meet(() -> {
            await(barrier.await());
        });
    }

    @Test
    @DisplayName("BAR-11 reset() fails those who wait, and the barrier is usable at once")
    void whileWaiting() throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> all = tasks(N - 1, () -> {
                try {
                    await(barrier.await());
                } catch (BrokenBarrierException e) {
                    assertThat(e).hasMessageContaining("reset");
                    results1.add(true);
                }
            });
            tick();
            EventLoop.getRunningLoop().callSoon(barrier::reset);
            await(gather(all));
        });
        assertThat(results1).hasSize(N - 1);
        isUsable(barrier);
    }

    @Test
    @DisplayName("reset() of an empty barrier changes nothing")
    void empty() throws Exception {
        barrier.reset();
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-12 reset() when half have left fails just the others")
    void halfDraining() throws Exception {
        meet(() -> {
            try {
                await(barrier.await());
                count++;
                if (N - count == N / 2) {
                    barrier.reset();
                }
            } catch (BrokenBarrierException e) {
                results1.add(true);
            }
        });
        assertThat(results1).hasSize(N / 2);
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-13 reset() when half have left spares those who already came for the next round")
    void halfDrainingHalfBlocking() throws Exception {
        meet(() -> {
            boolean first = true;
            try {
                await(barrier.await());
            } catch (BrokenBarrierException e) {
                results1.add(true);
                first = false;
                await(barrier.await());
            }
            if (first) {
                count++;
                if (count > N / 2) {
                    barrier.reset();
                    await(barrier.await());
                } else {
                    try {
                        await(barrier.await());
                    } catch (BrokenBarrierException e) {
                        results2.add(true);
                    }
                }
            }
        });
        assertThat(results1).hasSize(N / 2);
        assertThat(results2).isEmpty();
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-14 those whom a reset threw out may come again at once, and meet a new party")
    void waitingAgain() throws Exception {
        Asyncio.run(() -> {
            List<Task<Void>> all = tasks(N - 1, () -> {
                try {
                    await(barrier.await());
                } catch (BrokenBarrierException e) {
                    results1.add(true);
                } finally {
                    await(barrier.await());
                    results2.add(true);
                }
            });
            while (barrier.nWaiting() < N - 1) { // regardless of the order in which they begin
                tick();
            }
            barrier.reset();
            Task<Integer> last = createTask(barrier.await());
            await(gather(all));
            assertThat(await(last)).isBetween(0, N - 1);
        });
        assertThat(results1).hasSize(N - 1);
        assertThat(results2).hasSize(N - 1);
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-15 reset() by the last who leaves disturbs nobody")
    void whileDraining() throws Exception {
        meet(() -> {
            await(barrier.await());
            count++;
            if (count == N) {
                barrier.reset();
                await(barrier.await());
            } else {
                try {
                    await(barrier.await());
                    results1.add(true);
                } catch (BrokenBarrierException e) {
                    results2.add(true);
                }
            }
            await(barrier.await());
            results3.add(true);
        });
        assertThat(results1).hasSize(N - 1);
        assertThat(results2).isEmpty();
        assertThat(results3).hasSize(N);
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-16 abort() breaks it until it is reset")
    void abort() throws Exception {
        barrier.abort();
        assertThat(barrier.broken()).isTrue();
        assertThat(barrier.nWaiting()).isZero();
        barrier.abort();
        assertThat(barrier.broken()).isTrue();
        barrier.reset();
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-17 abort() fails those who have not left and those who came again")
    void abortHalfDrainingHalfBlocking() throws Exception {
        meet(() -> {
            try {
                await(barrier.await());
            } catch (BrokenBarrierException e) {
                results1.add(true);
                return;
            }
            count++;
            if (count > N / 2) {
                barrier.abort();
            } else {
                try {
                    await(barrier.await());
                } catch (BrokenBarrierException e) {
                    results2.add(true);
                }
            }
        });
        assertThat(barrier.broken()).isTrue();
        assertThat(results1).hasSize(N / 2);
        assertThat(results2).hasSize(N - N / 2 - 1);
        assertThat(barrier.nWaiting()).isZero();
        assertThat(barrier.inners()).isEmpty();
        barrier.reset();
        isUsable(barrier);
    }

    @Test
    @DisplayName("BAR-18 BAR-19 a party that fails aborts; the others get the error, and a reset mends it")
    void abortWhenException() throws Exception {
        Barrier second = new Barrier(N);
        meet(() -> {
            try {
                if (await(barrier.await()) == N / 2) {
                    throw new IllegalStateException("a party fails");
                }
                await(barrier.await());
                results1.add(true);
            } catch (BrokenBarrierException e) {
                results2.add(true);
            } catch (IllegalStateException e) {
                barrier.abort();
                assertThat(barrier.broken()).isTrue();
            }
            if (await(second.await()) == N / 2) {
                assertThat(barrier.broken()).isTrue();
                barrier.reset();
            }
            await(second.await());
            await(barrier.await());
            results3.add(true);
        });
        assertThat(results1).isEmpty();
        assertThat(results2).hasSize(N - 1);
        assertThat(results3).hasSize(N);
        isUsable(barrier);
        isUsable(second);
    }

    @Test
    @DisplayName("an abort is not forgotten when the last who leaves goes on, nor when one of them is cancelled")
    void abortWhileDraining() throws Exception {
        Asyncio.run(() -> {
            List<Task<Integer>> all = tasks(N, () -> await(barrier.await()));
            tick();
            barrier.abort();
            all.get(0).cancel();
            await(gather(all, true));
            assertThat(all.get(0).cancelled()).isTrue();
            assertThat(all.subList(1, N - 1)).allMatch(task -> task.exception() instanceof BrokenBarrierException);
            assertThat(await(all.get(N - 1))).as("it did not wait").isEqualTo(N - 1);
            assertThat(barrier.broken()).isTrue();
            barrier.reset();
        });
        isUsable(barrier);
    }

    @Test
    @DisplayName("reset() twice, and abort() then reset() before anybody resumed, fail each waiter once")
    void resetTwice() throws Exception {
        Asyncio.run(() -> {
            List<Task<Integer>> all = tasks(N - 1, () -> await(barrier.await()));
            tick();
            barrier.abort();
            barrier.reset();
            barrier.reset();
            assertThat(barrier.toString()).contains("resetting");
            List<Task<Integer>> next = tasks(N, () -> await(barrier.await()));
            await(gather(all, true));
            assertThat(all).allMatch(task -> task.exception() instanceof BrokenBarrierException);
            assertThat(await(gather(next))).containsExactly(0, 1, 2, 3, 4);
        });
        isUsable(barrier);
    }
}
