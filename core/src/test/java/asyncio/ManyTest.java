package asyncio;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrent;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Operations on many objects take time in proportion to their number: measured by counting, since clocks depend on the
 * machine.
 */
@Timeout(120)
class ManyTest {
    private static final int MANY = 2000;
    private static final Duration LONG = Duration.ofHours(1);

    /** Tasks that each wait for the previous one. */
    private static List<Task<?>> chain(UnaryOperator<Mono<?>> link, UnaryOperator<Mono<?>> start) throws Exception {
        List<Task<?>> chain = new ArrayList<>();
        Mono<?> last = sleep(LONG);
        for (int i = 0; i < MANY; i++) {
            Mono<?> started = start.apply(link.apply(last));
            Task<?> task = started instanceof Task<?> own ? own : createTask(started);
            chain.add(task);
            last = task;
        }
        for (int i = 0; i < 6; i++) {
            await(sleep(Duration.ZERO));
        }
        return chain;
    }

    private static List<Task<?>> chain() throws Exception {
        return chain(mono -> mono, mono -> mono);
    }

    private static void assertAskedOnce(List<? extends Task<?>> chain) {
        assertThat(chain).hasSize(MANY).allMatch(Task::cancelled).allMatch(task -> task.cancelling() == 1);
    }

    @Test
    void theEndOfRunAsksEachTaskOfAChainOnce() throws Exception {
        assertAskedOnce(Asyncio.<List<Task<?>>>run(() -> chain()));
    }

    @Test
    void soItDoesIfScopesAwaitThem() throws Exception {
        assertAskedOnce(Asyncio.<List<Task<?>>>run(() -> chain(mono -> Asyncio.waitFor(mono, LONG), mono -> mono)));
    }

    @Test
    void soItDoesIfGathersStandBetweenThem() throws Exception {
        assertAskedOnce(Asyncio.<List<Task<?>>>run(() -> chain(mono -> gather(List.of(mono), false), mono -> mono)));
    }

    @Test
    void aGroupAsksEachTaskOfAChainOnce() throws Exception {
        List<Task<?>> chain = new ArrayList<>();
        assertThatThrownBy(() -> Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
                    chain.addAll(chain(mono -> mono, group::createTask));
                    throw new IOException("end");
                }))))
                .isInstanceOf(ExceptionGroup.class);
        assertAskedOnce(chain);
    }

    @Test
    void soDoAllAndGatherAndRace() throws Exception {
        for (Ending ending : List.<Ending>of(
                tasks -> cancelled(all(tasks)),
                tasks -> cancelled(gather(tasks)),
                tasks -> {
                    List<Mono<?>> racing = new ArrayList<>(tasks);
                    racing.add(Mono.just(1));
                    await(race(racing));
                },
                tasks -> cancelled(race(tasks)),
                tasks -> assertThatThrownBy(() -> await(mapConcurrent(
                                        Flux.range(0, MANY + 1),
                                        MANY + 1,
                                        i -> i < MANY
                                                ? tasks.get(i)
                                                : sleep(Duration.ZERO).then(Mono.error(new IOException("end"))))
                                .then()))
                        .hasMessage("end"),
                tasks -> Future.cancelAll(tasks, "all"))) {
            assertAskedOnce(Asyncio.<List<Task<?>>>run(() -> {
                List<Task<?>> tasks = chain();
                ending.end(tasks);
                await(Asyncio.waitTasks(tasks, ReturnWhen.ALL_COMPLETED));
                return tasks;
            }));
        }
    }

    private interface Ending {
        void end(List<Task<?>> tasks) throws Exception;
    }

    private static void cancelled(Mono<?> combined) throws Exception {
        Task<?> task = createTask(combined);
        for (int i = 0; i < 4; i++) {
            await(sleep(Duration.ZERO));
        }
        task.cancel();
        assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
    }

    @Test
    void theShutdownOfTheSharedLoopsAsksEachTaskOfAChainOnce() throws Exception {
        ConcurrentLinkedQueue<Task<?>> chain = new ConcurrentLinkedQueue<>();
        async(() -> chain.addAll(chain())).block();
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(60))).isTrue();
        assertAskedOnce(List.copyOf(chain));
    }

    @Test
    void manyThatAreCancelledTogetherMayAwaitEachOtherInACircle() throws Exception {
        Asyncio.run(() -> {
            List<Task<?>> circle = new ArrayList<>();
            Future<Void> ready = new Future<>();
            for (int i = 0; i < 10; i++) {
                int next = (i + 1) % 10;
                circle.add(createTask(async(() -> {
                    await(ready);
                    await(circle.get(next));
                })));
            }
            ready.setResult(null);
            for (int i = 0; i < 4; i++) {
                await(sleep(Duration.ZERO));
            }
            Future.cancelAll(circle, "all");
            await(Asyncio.waitTasks(circle, ReturnWhen.ALL_COMPLETED));
            assertThat(circle).allMatch(Task::cancelled);
        });
    }

    @Test
    void theRequestStaysWithTheOneWhoseInnermostHasEndedAlready() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> source = new Future<>();
            List<Task<Integer>> pair = new ArrayList<>();
            pair.add(createTask(source));
            pair.add(createTask(pair.get(0)));
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            source.setResult(1);
            await(sleep(Duration.ZERO));
            assertThat(pair.get(0).done()).isTrue();
            assertThat(pair.get(1).done()).isFalse();
            Future.cancelAll(pair, "all");
            assertThatThrownBy(() -> await(pair.get(1)))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("all");
            assertThat(await(pair.get(0))).isEqualTo(1);
        });
    }

    // ---- callbacks

    /** Counts the calls of equals and hashCode. */
    private static final class Counted implements Consumer<Future<Integer>> {
        static final AtomicInteger QUESTIONS = new AtomicInteger();
        private final int id;

        Counted(int id) {
            this.id = id;
        }

        @Override
        public void accept(Future<Integer> done) {
            QUESTIONS.incrementAndGet();
        }

        @Override
        public boolean equals(Object other) {
            QUESTIONS.incrementAndGet();
            return other instanceof Counted counted && counted.id == id;
        }

        @Override
        public int hashCode() {
            QUESTIONS.incrementAndGet();
            return id;
        }
    }

    @Test
    void removingEachOfManyCallbacksAsksEachAFewTimes() throws Exception {
        long seed = new Random().nextLong();
        System.out.println("ManyTest seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 4; round++) {
            Future<Integer> future = new Future<>();
            List<Counted> callbacks = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                callbacks.add(new Counted(i));
            }
            callbacks.forEach(future::addDoneCallback);
            switch (round) {
                case 0 -> {}
                case 1 -> Collections.reverse(callbacks);
                default -> Collections.shuffle(callbacks, random);
            }
            Counted.QUESTIONS.set(0);
            for (int i = 0; i < MANY; i++) {
                if (round == 3) { // some are added while others are removed
                    future.addDoneCallback(new Counted(MANY + i));
                }
                assertThat(future.removeDoneCallback(new Counted(callbacks.get(i).id)))
                        .isEqualTo(1);
                assertThat(future.removeDoneCallback(callbacks.get(i))).isZero();
            }
            assertThat(Counted.QUESTIONS.get())
                    .as("seed %d, round %d", seed, round)
                    .isLessThan(10 * MANY);
            Counted.QUESTIONS.set(0);
            future.setResult(1);
            assertThat(Counted.QUESTIONS.get()).as("told").isEqualTo(round == 3 ? MANY : 0);
        }
    }

    @Test
    void removingACallbackThatWasAddedManyTimesRemovesAllOfThem() throws Exception {
        Future<Integer> future = new Future<>();
        Consumer<Future<Integer>> one = done -> {};
        for (int i = 0; i < MANY; i++) {
            future.addDoneCallback(one);
            future.addDoneCallback(new Counted(i));
        }
        assertThat(future.removeDoneCallback(new Counted(5))).isEqualTo(1);
        assertThat(future.removeDoneCallback(one)).isEqualTo(MANY);
        assertThat(future.removeDoneCallback(one)).isZero();
        future.addDoneCallback(one);
        assertThat(future.removeDoneCallback(one)).isEqualTo(1);
    }

    /** Its equals and hashCode add and remove callbacks, as user code may. */
    @Test
    void equalsAndHashCodeMayThemselvesAddAndRemove() throws Exception {
        Future<Integer> future = new Future<>();
        for (int i = 0; i < 100; i++) {
            future.addDoneCallback(new Counted(i));
        }
        Consumer<Future<Integer>> meddling = new Consumer<>() {
            @Override
            public void accept(Future<Integer> done) {}

            @Override
            public boolean equals(Object other) {
                future.removeDoneCallback(new Counted(50));
                return other == this;
            }

            @Override
            public int hashCode() {
                future.addDoneCallback(new Counted(1000));
                return 7;
            }
        };
        future.addDoneCallback(meddling);
        assertThat(future.removeDoneCallback(meddling)).isEqualTo(1);
        assertThat(future.removeDoneCallback(new Counted(50))).isZero();
        assertThat(future.removeDoneCallback(new Counted(1000))).isPositive();
    }

    /** An exception with its own equals, as users may write. */
    private static final class ComparedException extends Exception {
        private static final long serialVersionUID = 1L;
        static final AtomicInteger COMPARED = new AtomicInteger();

        @Override
        public boolean equals(@Nullable Object other) {
            COMPARED.incrementAndGet();
            return other == this;
        }

        @Override
        public int hashCode() {
            return 7;
        }
    }

    @Test
    void errorsOfAGroupAreNotComparedWithEachOther() throws Exception {
        Asyncio.run(() -> {
            int many = 300;
            Throwable thrown = catchThrowable(() -> await(TaskGroup.scope(group -> {
                for (int i = 0; i < many; i++) {
                    CancelledException cancelled = new CancelledException("late");
                    cancelled.addSuppressed(new ComparedException());
                    group.createTask(Mono.error(new ComparedException()));
                    group.createTask(Mono.error(cancelled));
                }
                return Mono.never();
            })));
            assertThat(((ExceptionGroup) thrown).exceptions()).hasSize(many);
            assertThat(thrown.getSuppressed()).hasSize(2 * many); // those of the group, and the late ones
        });
        assertThat(ComparedException.COMPARED).hasValue(0);
    }
}
