package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.sync.Style.errorOf;
import static asyncio.sync.Style.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.Body;
import asyncio.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.Disposable;

/** The rows of the catalogue: filling, draining, cancelling. */
@Timeout(60)
class BarrierTest {
    static final int N = 5;

    private final Barrier barrier = new Barrier(N);

    static <T> List<Task<T>> tasks(int n, Callable<T> body) {
        return IntStream.range(0, n).mapToObj(i -> createTask(async(body))).toList();
    }

    static List<Task<Void>> tasks(int n, Body body) {
        return IntStream.range(0, n).mapToObj(i -> createTask(async(body))).toList();
    }

    /** Runs the body N times together. */
    static void meet(Body body) throws Exception {
        Asyncio.run(() -> {
            await(gather(tasks(N, body)));
        });
    }

    private static void isFresh(Barrier barrier) {
        assertThat(barrier).hasToString("<Barrier [filling, waiters:0/" + barrier.parties() + "]>");
        assertThat(barrier.broken()).isFalse();
        assertThat(barrier.nWaiting()).isZero();
        assertThat(barrier.inners()).isEmpty();
    }

    @Test
    @DisplayName("BAR-01 the text says whether it is filling, draining, resetting or broken")
    void text() throws Exception {
        isFresh(barrier);
        Asyncio.run(() -> {
            List<Task<Integer>> waiters = new ArrayList<>(tasks(2, () -> await(barrier.await())));
            tick();
            assertThat(barrier).hasToString("<Barrier [filling, waiters:2/5]>");
            waiters.addAll(tasks(barrier.parties() - barrier.nWaiting(), () -> await(barrier.await())));
            tick();
            assertThat(barrier.toString()).contains("draining");
            waiters.addAll(tasks(2, () -> await(barrier.await())));
            barrier.reset();
            assertThat(barrier.toString()).contains("resetting");
            barrier.abort();
            assertThat(barrier).hasToString("<Barrier [broken]>");
            assertThat(barrier.broken()).isTrue();
            await(gather(waiters, true));
        });
    }

    @Test
    @DisplayName("BAR-02 fewer parties than one are an error")
    void parties() {
        for (int parties : new int[] {0, -4}) {
            assertThatThrownBy(() -> new Barrier(parties))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("not " + parties);
        }
        assertThat(barrier.parties()).isEqualTo(N);
        assertThatThrownBy(() -> barrier.await(null)).hasMessage("limit");
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("BAR-04 a barrier of one never suspends, and gives 0 each time")
    void one(Style style) throws Exception {
        Barrier alone = new Barrier(1);
        Asyncio.run(() -> {
            for (int i = 0; i < 3; i++) {
                Task<Integer> task = createTask(style.of(alone.await()));
                tick();
                assertThat(task.done()).isTrue();
                assertThat(await(task)).isZero();
                assertThat(await(alone.await())).isZero();
                isFresh(alone);
            }
        });
        assertThat(alone.await().block()).isZero();
        isFresh(alone);
    }

    @Test
    @DisplayName("filling task by task counts up, and the last one lets all go on")
    void taskByTask() throws Exception {
        Asyncio.run(() -> {
            List<Task<Integer>> all = new ArrayList<>();
            for (int i = 1; i < N; i++) {
                all.addAll(tasks(1, () -> await(barrier.await())));
                tick();
                assertThat(barrier.nWaiting()).isEqualTo(i);
            }
            all.add(createTask(barrier.await()));
            assertThat(await(gather(all))).containsExactly(0, 1, 2, 3, 4);
            isFresh(barrier);
        });
    }

    @Test
    @DisplayName("BAR-06 the same tasks pass twice in a row")
    void twice() throws Exception {
        List<Boolean> results = new ArrayList<>();
        meet(() -> {
            await(barrier.await());
            results.add(true);
            await(barrier.await());
            results.add(false);
        });
        assertThat(results).containsExactly(true, true, true, true, true, false, false, false, false, false);
        isFresh(barrier);
    }

    @Test
    @DisplayName("BAR-07 each round gives each index once")
    void indexes() throws Exception {
        List<List<@Nullable Integer>> rounds = new ArrayList<>();
        Asyncio.run(() -> {
            for (int i = 0; i < 3; i++) {
                rounds.add(await(gather(tasks(N, () -> {
                    await(barrier.await());
                    return await(barrier.await());
                }))));
            }
        });
        assertThat(rounds).allSatisfy(round -> assertThat(round).containsExactlyInAnyOrder(0, 1, 2, 3, 4));
        isFresh(barrier);
    }

    @Test
    @DisplayName("BAR-08 it is draining until the last one leaves, for whom it is filling again")
    void draining() throws Exception {
        List<Boolean> results = new ArrayList<>();
        meet(() -> {
            await(barrier.await());
            results.add(barrier.toString().contains("draining"));
        });
        assertThat(results).containsExactly(true, true, true, true, false);
        isFresh(barrier);
    }

    @Test
    @DisplayName("BAR-09 who comes back while others leave belongs to the next round")
    void blockedWhileDraining() throws Exception {
        Barrier others = new Barrier(N - 2);
        int[] again = {2};
        List<String> log = new ArrayList<>();
        meet(() -> {
            await(barrier.await());
            log.add("first");
            if (again[0]-- > 0) {
                await(barrier.await());
            } else {
                await(others.await());
                await(barrier.await());
            }
            log.add("second");
        });
        assertThat(log.subList(0, N)).containsOnly("first");
        assertThat(log.subList(N, 2 * N)).containsOnly("second");
        isFresh(barrier);
        isFresh(others);
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("BAR-09 more come than there are places: whole rounds pass, the rest waits")
    void manyRounds(Style style) throws Exception {
        Asyncio.run(() -> {
            List<Task<Integer>> all = IntStream.range(0, 4 * N + 2)
                    .mapToObj(i -> createTask(style.of(barrier.await())))
                    .toList();
            while (all.stream().filter(Task::done).count() < 4 * N) { // whichever come first
                tick();
            }
            await(gather(all.stream().filter(Task::done).toList()));
            tick();
            assertThat(barrier.nWaiting()).isEqualTo(2);
            all.forEach(Task::cancel);
            tick();
            isFresh(barrier);
        });
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("one who is cancelled leaves, and its place is free")
    void cancelOne(Style style) throws Exception {
        Barrier three = new Barrier(3);
        Asyncio.run(() -> {
            Task<Integer> t1 = createTask(style.of(three.await()));
            Task<Integer> t2 = createTask(style.of(three.await()));
            tick();
            assertThat(three.nWaiting()).isEqualTo(2);
            t1.cancel();
            tick();
            assertThat(three.nWaiting()).isEqualTo(1);
            assertThat(t1.cancelled()).isTrue();
            Task<Integer> t3 = createTask(style.of(three.await()));
            tick();
            assertThat(three.nWaiting()).isEqualTo(2);
            Task<Integer> t4 = createTask(style.of(three.await()));
            assertThat(await(gather(List.of(t2, t3, t4)))).containsExactly(0, 1, 2);
            isFresh(three);
        });
    }

    @Test
    @DisplayName("whoever of those who wait leaves, the others meet")
    void anyoneLeaves() {
        for (int leaves = 0; leaves < N - 1; leaves++) {
            List<Integer> met = new ArrayList<>();
            for (int i = 0; i < N - 1; i++) {
                Disposable waiting = barrier.await().subscribe(met::add);
                if (i == leaves) {
                    waiting.dispose();
                }
            }
            assertThat(barrier.inners()).hasSize(N - 2);
            barrier.await().subscribe(met::add);
            assertThat(met).isEmpty();
            barrier.await().subscribe(met::add);
            assertThat(met).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
            isFresh(barrier);
        }
    }

    @ParameterizedTest
    @EnumSource(Style.class)
    @DisplayName("(13c) one who was let go and is cancelled before it resumes has left, and blocks no next round")
    void cancelledAfterTheRound(Style style) throws Exception {
        Asyncio.run(() -> {
            List<Task<Integer>> all = IntStream.range(0, N)
                    .mapToObj(i -> createTask(style.of(barrier.await())))
                    .toList();
            Task<Integer> blocked = createTask(style.of(barrier.await()));
            tick();
            assertThat(barrier.toString()).contains("draining");
            all.get(0).cancel();
            all.get(1).cancel();
            tick();
            assertThat(all).allMatch(Task::done);
            assertThat(all.get(0).cancelled()).isTrue();
            tick();
            assertThat(barrier).hasToString("<Barrier [filling, waiters:1/5]>");
            blocked.cancel();
            tick();
            isFresh(barrier);
        });
    }

    @Test
    @DisplayName("one who is cancelled while it is blocked for the next round has no place in it")
    void cancelledWhileBlocked() throws Exception {
        Asyncio.run(() -> {
            List<Task<Integer>> all = tasks(N, () -> await(barrier.await()));
            List<Task<Integer>> next = tasks(N + 1, () -> await(barrier.await()));
            tick();
            next.get(0).cancel();
            await(gather(all));
            assertThat(await(gather(next.subList(1, N + 1)))).containsExactly(0, 1, 2, 3, 4);
            assertThat(next.get(0).cancelled()).isTrue();
            isFresh(barrier);
        });
    }

    @Test
    @DisplayName("off every loop all go on on the thread of the last one")
    void offLoop() {
        List<Integer> indexes = new ArrayList<>();
        List<Throwable> errors = new ArrayList<>();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < N; i++) {
                assertThat(indexes).hasSize(round * N);
                barrier.await().subscribe(indexes::add, errors::add);
            }
        }
        assertThat(indexes).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4);
        barrier.await().subscribe(indexes::add, errors::add);
        barrier.reset();
        assertThat(errors).singleElement().isInstanceOf(BrokenBarrierException.class);
        isFresh(barrier);
    }

    @Test
    @DisplayName("off every loop those who come again at once belong to the next round")
    void offLoopAgain() {
        List<Integer> log = new ArrayList<>();
        for (int i = 0; i < N; i++) {
            barrier.await().doOnNext(x -> log.add(1)).then(barrier.await()).subscribe(x -> log.add(2));
        }
        assertThat(log).containsExactly(1, 1, 1, 1, 1, 2, 2, 2, 2, 2);
        isFresh(barrier);
    }

    @Test
    @DisplayName("a broken barrier refuses whoever comes")
    void refuses() throws Exception {
        barrier.abort();
        Asyncio.run(() -> {
            for (Style style : Style.values()) {
                assertThat(errorOf(createTask(style.of(barrier.await()))))
                        .isInstanceOf(BrokenBarrierException.class)
                        .hasMessageContaining("<Barrier [broken]>");
            }
        });
    }
}
