package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.Task;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.test.StepVerifier;

/** The order of getters and putters, and of items given back. */
class OrderTest {
    private record Job(int priority, int number) {}

    static Stream<Queue<Integer>> queues() {
        return QueueRowsTest.unboundedQueues();
    }

    private static <T> List<T> drain(Queue<T> queue) {
        List<T> all = new ArrayList<>();
        for (T item; (item = queue.tryGet()) != null; ) {
            all.add(item);
        }
        return all;
    }

    @Test
    void equalItemsKeepTheirOrder() {
        Queue<Job> queue = PriorityQueue.unbounded(Comparator.comparingInt(Job::priority));
        Random random = new Random(1);
        List<Job> jobs = IntStream.range(0, 1000)
                .mapToObj(i -> new Job(random.nextInt(10), i))
                .toList();
        jobs.forEach(queue::putNowait);
        assertThat(drain(queue))
                .isEqualTo(jobs.stream()
                        .sorted(Comparator.comparingInt(Job::priority))
                        .toList());
    }

    /** Items taken by readers that are all cancelled, in any order, return to their places. */
    @ParameterizedTest
    @MethodSource("queues")
    void itemsThatComeBackAreWhereTheyWere(Queue<Integer> queue) throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            Random random = new Random(seed);
            onLoop(() -> {
                List<Task<Integer>> readers = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    readers.add(createTask(queue.get()));
                }
                tick();
                for (int i = 0; i < 5; i++) {
                    queue.putNowait(i); // granted immediately
                }
                assertThat(queue.isEmpty()).isTrue();
                Collections.shuffle(readers, random);
                readers.forEach(Task::cancel);
                tick();
                tick();
                queue.putNowait(5);
                List<Integer> expected = new ArrayList<>(List.of(0, 1, 2, 3, 4, 5));
                if (queue instanceof LifoQueue) {
                    Collections.reverse(expected);
                }
                assertThat(drain(queue)).isEqualTo(expected);
            });
        }
    }

    @Test
    void equalItemsThatComeBackKeepTheirOrder() throws Exception {
        Queue<Job> queue = PriorityQueue.unbounded(Comparator.comparingInt(Job::priority));
        onLoop(() -> {
            Task<Job> first = createTask(queue.get());
            Task<Job> second = createTask(queue.get());
            tick();
            for (int i = 0; i < 4; i++) {
                queue.putNowait(new Job(7, i));
            }
            second.cancel();
            first.cancel();
            tick();
            assertThat(drain(queue)).extracting(Job::number).containsExactly(0, 1, 2, 3);
        });
    }

    @Test
    void anItemMayComeBackIntoAFullQueue() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            Task<Integer> reader = createTask(queue.get());
            tick();
            queue.putNowait(1);
            queue.putNowait(2);
            reader.cancel();
            tick();
            assertThat(queue.size()).isEqualTo(2);
            assertThat(queue.isFull()).isTrue();
            Task<Void> third = createTask(queue.put(3));
            tick();
            assertThat(queue.getNowait()).isEqualTo(1);
            tick();
            assertThat(third.done()).as("there is no room yet").isFalse();
            assertThat(queue.getNowait()).isEqualTo(2);
            await(third);
        });
    }

    @Test
    void whatComesBackAfterAnImmediateShutdownIsUndelivered() throws Exception {
        onLoop(() -> {
            List<Integer> lost = new ArrayList<>();
            Queue<Integer> queue = new Queue<>(1, lost::add);
            Task<Integer> reader = createTask(queue.get());
            tick();
            queue.putNowait(1);
            Task<Void> join = createTask(queue.join());
            queue.shutdown(true);
            assertThat(lost).isEmpty();
            reader.cancel();
            await(join);
            assertThat(lost).containsExactly(1);
        });
    }

    @Test
    void nobodyOvertakesThePutterThatWasLetIn() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            queue.putNowait(1);
            Task<Void> second = createTask(async(() -> {
                await(queue.put(2));
            }));
            tick();
            tick();
            assertThat(queue.getNowait()).isEqualTo(1);
            assertThat(queue.tryPut(3)).isFalse();
            assertThat(queue.isFull()).isTrue();
            Task<Void> third = createTask(queue.put(3));
            await(second);
            assertThat(queue.getNowait()).isEqualTo(2);
            await(third);
            assertThat(queue.getNowait()).isEqualTo(3);
        });
    }

    @Test
    void aPutterThatIsCancelledAfterItWasLetInLetsTheNextOneIn() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            queue.putNowait(1);
            Task<Void> second = createTask(queue.put(2));
            Task<Void> third = createTask(queue.put(3));
            tick();
            queue.getNowait();
            second.cancel();
            await(third);
            assertThatThrownBy(() -> await(second)).isInstanceOf(CancelledException.class);
            assertThat(drain(queue)).containsExactly(3);
        });
    }

    /** A comparator that throws at its n-th call, for each n, leaves the queue unchanged. */
    @Test
    void aComparatorThatThrowsChangesNothing() {
        IntFunction<List<Integer>> items =
                seed -> new Random(seed).ints(20, 0, 50).boxed().toList();
        for (int n = 1; n < 120; n++) {
            int[] left = {Integer.MAX_VALUE};
            Queue<Integer> queue = new PriorityQueue<>(100, (a, b) -> {
                if (--left[0] == 0) {
                    throw new IllegalArgumentException("incomparable");
                }
                return Integer.compare(a, b);
            });
            List<Integer> in = new ArrayList<>();
            List<Integer> out = new ArrayList<>();
            left[0] = n;
            for (int item : items.apply(n)) {
                try {
                    queue.putNowait(item);
                    in.add(item);
                } catch (IllegalArgumentException e) {
                    assertThat(e).hasMessage("incomparable");
                }
            }
            while (!queue.isEmpty()) {
                try {
                    out.add(queue.getNowait());
                } catch (IllegalArgumentException e) {
                    assertThat(e).hasMessage("incomparable");
                }
            }
            Collections.sort(in);
            assertThat(out).as("thrown at call %s", n).isEqualTo(in);
        }
    }

    @Test
    void aPutterWhoseItemCannotBeComparedFailsAndMakesRoom() {
        Queue<Object> queue = new PriorityQueue<>(1);
        queue.putNowait(1);
        StepVerifier.create(queue.put("two"))
                .then(() -> assertThat(queue.core.state().putters()).isEqualTo(1))
                .then(queue::getNowait)
                .verifyComplete(); // alone it need not be compared
        queue.getNowait();
        Queue<Object> pair = new PriorityQueue<>(2);
        pair.putNowait(1);
        pair.putNowait(2);
        List<Throwable> failed = new ArrayList<>();
        pair.put("three").subscribe(nothing -> {}, failed::add);
        StepVerifier.create(pair.put(4)).then(pair::getNowait).verifyComplete();
        assertThat(failed).singleElement().isInstanceOf(ClassCastException.class);
        assertThat(drain(pair)).containsExactly(2, 4);
        StepVerifier.create(new PriorityQueue<>(1).put(new Object())).verifyComplete();
    }
}
