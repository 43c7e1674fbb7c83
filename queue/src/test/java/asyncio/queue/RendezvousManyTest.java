package asyncio.queue;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** Many items through a rendezvous: a Flux, a Publisher, batches, a Select. */
@Timeout(60)
class RendezvousManyTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    /** Lets all that is ready, and what comes of that, run. */
    private static void ticks() throws Exception {
        for (int i = 0; i < 4; i++) {
            tick();
        }
    }

    @Test
    @DisplayName("as a Flux: no item without demand, and a put completes as its item is emitted")
    void asFlux() {
        Queue<Integer> queue = Queue.rendezvous();
        List<Integer> put = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int item = i;
            queue.put(item).subscribe(nothing -> {}, e -> {}, () -> put.add(item));
        }
        StepVerifier.create(queue.asFlux(), 0)
                .thenRequest(2)
                .expectNext(0, 1)
                .then(() -> assertThat(put).containsExactly(0, 1))
                .thenRequest(1)
                .expectNext(2)
                .thenCancel()
                .verify();
        assertThat(put).containsExactly(0, 1, 2);
        assertThat(queue.tryGet()).isEqualTo(3);
        assertThat(put).hasSize(4);
    }

    @Test
    @DisplayName("as a Flux, cancelled amid items that it has taken out: their putters wait on, in order")
    void asFluxCancelled() {
        Queue<Integer> queue = Queue.rendezvous();
        List<Integer> put = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int item = i;
            queue.put(item).subscribe(nothing -> {}, e -> {}, () -> put.add(item));
        }
        assertThat(queue.asFlux().take(2).collectList().block()).containsExactly(0, 1);
        assertThat(queue.asFlux().takeUntil(i -> i == 2).collectList().block()).containsExactly(2);
        assertThat(put).containsExactly(0, 1, 2);
        assertThat(queue).hasToString("<Queue rendezvous putters[1] tasks=3>");
    }

    @Test
    @DisplayName("putAll completes when the last item was taken, and requests one at a time")
    void putAll() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            List<Long> requests = new ArrayList<>();
            Task<Void> all = createTask(queue.putAll(Flux.range(0, 3).doOnRequest(requests::add)));
            for (int i = 0; i < 3; i++) {
                ticks();
                assertThat(all.done()).isFalse();
                assertThat(await(queue.get())).isEqualTo(i);
            }
            await(all);
            assertThat(requests).containsOnly(1L);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("putAll, cancelled: its item is undelivered, unless a getter that has it takes it")
    void putAllCancelled(boolean takes) throws Exception {
        onLoop(() -> {
            List<Integer> lost = new ArrayList<>();
            Queue<Integer> queue = Queue.rendezvous(lost::add);
            Task<Void> waiting = createTask(queue.putAll(Flux.just(1)));
            ticks();
            waiting.cancel();
            ticks();
            assertThat(lost).containsExactly(1);
            assertThat(queue.tryGet()).isNull();

            Task<Integer> getter = createTask(queue.get());
            tick();
            Disposable onTheWay = queue.putAll(Flux.just(2)).subscribe();
            onTheWay.dispose();
            if (!takes) {
                getter.cancel();
            }
            ticks();
            assertThat(getter.cancelled()).isEqualTo(!takes);
            assertThat(lost).isEqualTo(takes ? List.of(1) : List.of(1, 2));
            assertThat(queue.tryGet()).isNull();
        });
    }

    @Test
    @DisplayName("a batch takes its items when it completes; until then a putter can have its item back")
    void batches() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Task<List<Integer>> batch = createTask(queue.getBatch(3, SECOND));
            tick();
            List<Task<Void>> puts = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                puts.add(createTask(queue.put(i, Duration.ofMillis(i == 0 ? 100 : 10_000))));
                tick();
                if (i == 0) {
                    await(sleep(Duration.ofMillis(200)));
                    assertThatThrownBy(() -> await(puts.get(0))).isInstanceOf(TimeoutException.class);
                }
            }
            await(sleep(Duration.ofMillis(900)));
            assertThat(batch.done())
                    .as("the time counts from what is the first item now")
                    .isFalse();
            assertThat(puts.get(1).done()).isFalse();
            puts.get(1).cancel();
            assertThat(await(batch)).containsExactly(2);
            ticks();
            assertThat(puts.get(1).cancelled()).isTrue();
            await(puts.get(2));

            Task<List<Integer>> left = createTask(queue.getBatch(3, SECOND));
            tick();
            Task<Void> put = createTask(queue.put(7));
            ticks();
            left.cancel();
            ticks();
            assertThat(put.done()).isFalse();
            assertThat(queue.tryGet()).isEqualTo(7);
            await(put);
        });
    }

    @Test
    @DisplayName("kotlinx #797: a Select over two of them gets everything from both, while it answers to one of them")
    void select() throws Exception {
        onLoop(() -> {
            Queue<Integer> low = Queue.rendezvous();
            Queue<Integer> high = Queue.rendezvous();
            Queue<Integer> answers = Queue.rendezvous();
            Task<Void> one = createTask(low.putAll(Flux.range(0, 50)));
            Task<Void> other = createTask(high.putAll(Flux.range(100, 50)));
            Task<List<Integer>> answered = createTask(answers.asFlux().take(100).collectList());
            Select<Integer> either = new Select<Integer>().onGet(low, i -> i).onGet(high, i -> i);
            List<Integer> got = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                got.add(await(either.first(SECOND)));
                await(answers.put(got.get(i)));
            }
            await(one);
            await(other);
            assertThat(got).doesNotHaveDuplicates().hasSize(100);
            assertThat(got.stream().filter(i -> i < 100)).isSorted();
            assertThat(await(answered)).isEqualTo(got);
        });
    }

    @Test
    @DisplayName("a Select that is cancelled with an item on the way leaves it to its putter; it selects no put")
    void selectCancelled() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Task<Integer> selecting =
                    createTask(new Select<Integer>().onGet(queue, i -> i).first());
            tick();
            Task<Void> put = createTask(queue.put(1));
            tick();
            selecting.cancel();
            ticks();
            assertThat(selecting.cancelled()).isTrue();
            assertThat(put.done()).isFalse();
            assertThat(await(queue.get())).isEqualTo(1);
            await(put);
            assertThatThrownBy(() -> new Select<Integer>().onPut(queue, 1, () -> 1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("Cannot select a put into <Queue rendezvous");
        });
    }
}
