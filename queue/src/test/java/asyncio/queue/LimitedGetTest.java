package asyncio.queue;

import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.CancelScope;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.Timeout;
import java.time.Duration;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;

/** Tasks without a body that get an item in a scope, and are cancelled by another thread. */
class LimitedGetTest {
    private static final Duration LONG = Duration.ofMinutes(10);
    private static final int ROUNDS = Integer.getInteger("asyncio.test.rounds", 5_000);

    private static Arguments form(String name, Function<Queue<Integer>, Mono<?>> form) {
        return Arguments.of(name, form);
    }

    static Stream<Arguments> forms() {
        return Stream.of(
                form("get", Queue::get),
                form("waitFor", queue -> waitFor(queue.get(), LONG)),
                form("waitFor without a limit", queue -> waitFor(queue.get(), null)),
                form("waitFor twice", queue -> waitFor(waitFor(queue.get(), LONG), LONG.plusSeconds(1))),
                form("Timeout.scope", queue -> Timeout.scope(LONG, timeout -> queue.get())),
                form("moveOn", queue -> Timeout.moveOn(LONG, timeout -> queue.get())),
                form("CancelScope", queue -> CancelScope.scope(scope -> queue.get())));
    }

    private static Integer item(Object result) {
        return (Integer) (result instanceof Timeout.Outcome<?> outcome ? outcome.value() : result);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("forms")
    @DisplayName("an item is in the result or in the queue, if a task is cancelled while or just after it gets it")
    void cancelledByAnotherThread(String name, Function<Queue<Integer>, Mono<?>> form) throws Exception {
        cancelInRounds(form, false);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("forms")
    @DisplayName("the put of a rendezvous has happened if the task got its item, and otherwise not")
    void cancelledInARendezvous(String name, Function<Queue<Integer>, Mono<?>> form) throws Exception {
        cancelInRounds(form, true);
    }

    private static void cancelInRounds(Function<Queue<Integer>, Mono<?>> form, boolean rendezvous) throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        Random random = new Random(seed);
        EventLoop loop = EventLoop.newEventLoop();
        Thread runs = new Thread(loop::runForever, "loop");
        runs.start();
        int got = 0;
        int cancelled = 0;
        try {
            for (int round = 0; round < ROUNDS; round++) {
                Queue<Integer> queue = rendezvous ? Queue.rendezvous() : Queue.unbounded();
                Task<?> task = loop.createTask(form.apply(queue));
                spin(random.nextInt(2_000));
                Task<Void> put = loop.createTask(queue.put(round));
                spin(random.nextInt(4_000));
                task.cancel();
                spinUntilDone(task);
                String at = "seed " + seed + ", round " + round;
                if (task.cancelled()) {
                    cancelled++;
                    Integer left = queue.tryGet();
                    while (left == null && !put.done()) { // it has not begun yet
                        left = queue.tryGet();
                    }
                    assertThat(left == null ? queue.tryGet() : left)
                            .as(at + ": left")
                            .isEqualTo(round);
                } else {
                    got++;
                    assertThat(item(task.result())).as(at + ": got").isEqualTo(round);
                    assertThat(queue.tryGet()).as(at + ": doubled").isNull();
                }
                spinUntilDone(put);
            }
        } finally {
            loop.callSoonThreadsafe(loop::stop);
            runs.join();
            loop.close();
        }
        assertThat(got).as("seed %d: rounds that got the item", seed).isPositive();
        assertThat(cancelled).as("seed %d: rounds that were cancelled", seed).isPositive();
    }

    private static void spinUntilDone(Task<?> task) {
        while (!task.done()) {
            Thread.onSpinWait();
        }
    }

    private static void spin(int times) {
        for (int i = 0; i < times; i++) {
            Thread.onSpinWait();
        }
    }
}
