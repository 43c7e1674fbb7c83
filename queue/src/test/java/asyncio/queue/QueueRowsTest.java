package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Task;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rows of the catalogue, in tasks on one loop. */
class QueueRowsTest {
    private static final Duration TEN_MILLIS = Duration.ofMillis(10);

    static Stream<Queue<Integer>> unboundedQueues() {
        return Stream.of(Queue.unbounded(), LifoQueue.unbounded(), PriorityQueue.unbounded());
    }

    static Stream<Queue<String>> queuesOfOne() {
        return Stream.of(new Queue<>(1), new LifoQueue<>(1), new PriorityQueue<>(1));
    }

    @Test
    @DisplayName("QUE-01 the text tells the class, the items and how many wait, and no identity")
    void text() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.unbounded();
            assertThat(queue).hasToString("<Queue maxsize=0>");
            Task<Integer> getter = createTask(queue.get());
            tick();
            assertThat(queue).hasToString("<Queue maxsize=0 getters[1]>");
            queue.putNowait(0);
            await(getter);

            Queue<Integer> full = new PriorityQueue<>(1);
            Task<Void> first = createTask(full.put(1));
            Task<Void> second = createTask(full.put(2));
            await(first);
            tick();
            assertThat(full).hasToString("<PriorityQueue maxsize=1 items=[1] putters[1] tasks=1>");
            await(full.get());
            await(second);
        });
    }

    @Test
    @DisplayName("QUE-02 a queue is empty before its first item and after its last")
    void empty() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.unbounded();
            assertThat(queue.isEmpty()).isTrue();
            await(queue.put(1));
            assertThat(queue.isEmpty()).isFalse();
            assertThat(await(queue.get())).isEqualTo(1);
            assertThat(queue.isEmpty()).isTrue();
        });
    }

    @Test
    @DisplayName("QUE-03 an unbounded queue is never full, one of size 1 is with one item")
    void full() throws Exception {
        onLoop(() -> {
            assertThat(Queue.unbounded().isFull()).isFalse();
            assertThat(Queue.unbounded().maxsize()).isZero();
            Queue<Integer> queue = new Queue<>(1);
            assertThat(queue.maxsize()).isEqualTo(1);
            await(queue.put(1));
            assertThat(queue.isFull()).isTrue();
        });
    }

    @Test
    @DisplayName("QUE-04 QUE-24 QUE-25 first in first out, last in first out, least first")
    void order() throws Exception {
        onLoop(() -> {
            assertThat(throughQueue(Queue.unbounded())).containsExactly(1, 3, 2);
            assertThat(throughQueue(LifoQueue.unbounded())).containsExactly(2, 3, 1);
            assertThat(throughQueue(PriorityQueue.unbounded())).containsExactly(1, 2, 3);
        });
    }

    private static List<Integer> throughQueue(Queue<Integer> queue) throws Exception {
        for (int item : new int[] {1, 3, 2}) {
            await(queue.put(item));
        }
        List<Integer> got = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            got.add(await(queue.get()));
        }
        return got;
    }

    @Test
    @DisplayName("QUE-06 a get lets exactly one waiting putter in")
    void getWithPutters() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            queue.putNowait(1);
            Task<Void> second = createTask(queue.put(2));
            tick();
            Task<Void> third = createTask(queue.put(3));
            tick();
            assertThat(await(queue.get())).isEqualTo(1);
            assertThat(await(second)).isNull();
            tick();
            assertThat(third.done()).isFalse();
            third.cancel();
        });
    }

    @Test
    @DisplayName("QUE-07 a get waits until something is put")
    void getWaits() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.unbounded();
            EventLoop.getRunningLoop().callLater(TEN_MILLIS, () -> queue.putNowait(1));
            Task<Integer> getter = createTask(async(() -> await(queue.get())));
            await(sleep(TEN_MILLIS.dividedBy(2)));
            assertThat(getter.done()).isFalse();
            assertThat(await(getter)).isEqualTo(1);
        });
    }

    @Test
    @DisplayName("QUE-08 QUE-09 QUE-18 what does not wait needs no loop and throws")
    void nowait() {
        Queue<Integer> queue = new Queue<>(1);
        assertThatThrownBy(queue::getNowait)
                .isInstanceOf(QueueEmptyException.class)
                .hasMessageContaining("<Queue maxsize=1 size=0>");
        assertThat(queue.tryGet()).isNull();
        queue.putNowait(1);
        assertThatThrownBy(() -> queue.putNowait(2))
                .isInstanceOf(QueueFullException.class)
                .hasMessageContaining("<Queue maxsize=1 size=1 tasks=1>");
        assertThat(queue.tryPut(2)).isFalse();
        assertThat(queue.getNowait()).isEqualTo(1);
    }

    @Test
    @DisplayName("QUE-10 a cancelled getter does not swallow an item")
    void getCancelledRace() throws Exception {
        onLoop(() -> {
            Queue<String> queue = Queue.unbounded();
            Task<String> first = createTask(queue.get());
            Task<String> second = createTask(async(() -> await(queue.get())));
            tick();
            tick();
            first.cancel();
            tick();
            assertThat(first.done()).isTrue();
            await(queue.put("a"));
            assertThat(await(second)).isEqualTo("a");
        });
    }

    @Test
    @DisplayName("QUE-11 gets let waiting putters in, in their order")
    void getWithWaitingPutters() throws Exception {
        onLoop(() -> {
            Queue<String> queue = new Queue<>(1);
            createTask(queue.put("a"));
            createTask(async(() -> {
                await(queue.put("b"));
            }));
            assertThat(await(queue.get())).isEqualTo("a");
            assertThat(await(queue.get())).isEqualTo("b");
        });
    }

    @Test
    @DisplayName("QUE-12 a producer and a consumer of a queue of size 1 do not lock each other out")
    void whyAreGettersWaiting() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            List<Integer> got = new ArrayList<>();
            await(TaskGroup.scopeBody(group -> {
                group.createTask(async(() -> {
                    for (int i = 0; i < 5; i++) {
                        await(queue.put(i));
                    }
                }));
                group.createTask(async(() -> {
                    for (int i = 0; i < 5; i++) {
                        got.add(await(queue.get()));
                    }
                }));
                return null;
            }));
            assertThat(got).containsExactly(0, 1, 2, 3, 4);
        });
    }

    @Test
    @DisplayName("QUE-13 a getter that is out of time is not held")
    void timedOutGettersAreNotHeld() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(5);
            assertThatThrownBy(() -> await(waitFor(queue.get(), Duration.ofMillis(100))))
                    .isInstanceOf(TimeoutException.class);
            assertThat(queue.core.state().getters()).isZero();
            assertThatThrownBy(() -> await(queue.get(Duration.ofMillis(100))))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("Timed out after PT0.1S waiting for an item of <Queue maxsize=5 size=0 getters[1]>");
            assertThat(queue.core.state().getters()).isZero();
        });
    }

    @Test
    @DisplayName("QUE-14 a put waits until there is room")
    void putWaits() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            Task<Void> putter = createTask(async(() -> {
                await(queue.put(1));
                await(queue.put(2));
            }));
            EventLoop.getRunningLoop().callLater(TEN_MILLIS, queue::getNowait);
            await(sleep(TEN_MILLIS.dividedBy(2)));
            assertThat(putter.done()).isFalse();
            await(putter);
            assertThat(queue.getNowait()).isEqualTo(2);
        });
    }

    @Test
    @DisplayName("QUE-15 an item granted to a reader that is cancelled before it resumes is the next one's")
    void getCancelDropOnePendingReader() throws Exception {
        onLoop(() -> {
            for (boolean body : new boolean[] {true, false}) {
                Queue<Integer> queue = Queue.unbounded();
                Task<Integer> reader = createTask(body ? async(() -> await(queue.get())) : queue.get());
                tick();
                tick();
                queue.putNowait(1);
                queue.putNowait(2);
                reader.cancel();
                assertThatThrownBy(() -> await(reader)).isInstanceOf(CancelledException.class);
                assertThat(await(queue.get())).isEqualTo(1);
                assertThat(await(queue.get())).isEqualTo(2);
            }
        });
    }

    @Test
    @DisplayName("QUE-16 a reader that was woken and cancelled hands its item on")
    void getCancelDropManyPendingReaders() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.unbounded();
            List<Task<Integer>> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                readers.add(createTask(async(() -> await(queue.get()))));
            }
            tick();
            tick();
            queue.putNowait(1);
            queue.putNowait(2);
            readers.get(0).cancel();
            assertThatThrownBy(() -> await(readers.get(0))).isInstanceOf(CancelledException.class);
            assertThat(List.of(await(readers.get(1)), await(readers.get(2)))).containsExactlyInAnyOrder(1, 2);
        });
    }

    @Test
    @DisplayName("QUE-17 a writer that was let in and cancelled has not put")
    void putCancelDrop() throws Exception {
        onLoop(() -> {
            for (boolean body : new boolean[] {true, false}) {
                Queue<Integer> queue = new Queue<>(1);
                queue.putNowait(1);
                Task<Void> writer = createTask(
                        body
                                ? async(() -> {
                                    await(queue.put(2));
                                })
                                : queue.put(2));
                tick();
                tick();
                assertThat(queue.getNowait()).isEqualTo(1);
                writer.cancel();
                assertThatThrownBy(() -> await(writer)).isInstanceOf(CancelledException.class);
                assertThat(queue.size()).isZero();
                await(queue.put(2, TEN_MILLIS));
                assertThat(queue.getNowait()).isEqualTo(2);
                assertThat(queue.size()).isZero();
            }
        });
    }

    @Test
    @DisplayName("QUE-19 a putter that is cancelled while it waits never enters")
    void putCancelledRace() throws Exception {
        onLoop(() -> {
            Queue<String> queue = new Queue<>(1);
            Task<Void> a = createTask(queue.put("a"));
            Task<Void> b = createTask(queue.put("b"));
            Task<Void> x = createTask(queue.put("X"));
            tick();
            assertThat(a.done()).isTrue();
            assertThat(b.done()).isFalse();
            x.cancel();
            assertThat(queue.getNowait()).isEqualTo("a");
            tick();
            tick();
            assertThat(queue.getNowait()).isEqualTo("b");
            await(b);
            tick();
            assertThat(queue.isEmpty()).isTrue();
            assertThat(x.cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("QUE-20 a put serves a waiting get")
    void putWithWaitingGetters() throws Exception {
        onLoop(() -> {
            Queue<String> queue = Queue.unbounded();
            Task<String> getter = createTask(queue.get());
            tick();
            await(queue.put("a"));
            assertThat(await(getter)).isEqualTo("a");
        });
    }

    @Test
    @DisplayName("QUE-22 a putter that is cancelled is not held")
    void cancelledPuttersAreNotHeld() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(1);
            await(queue.put(1));
            Task<Void> putter = createTask(async(() -> {
                await(queue.put(2));
            }));
            tick();
            tick();
            assertThat(queue.core.state().putters()).isEqualTo(1);
            putter.cancel();
            assertThatThrownBy(() -> await(putter)).isInstanceOf(CancelledException.class);
            assertThat(queue.core.state().putters()).isZero();
        });
    }

    @ParameterizedTest
    @MethodSource("unboundedQueues")
    @DisplayName("QUE-26 taskDone more often than there were items throws")
    void taskDoneUnderflow(Queue<Integer> queue) {
        assertThatThrownBy(queue::taskDone)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("taskDone() called more often");
    }

    @ParameterizedTest
    @MethodSource("unboundedQueues")
    @DisplayName("QUE-27 join waits for all items to be done")
    void taskDone(Queue<Integer> queue) throws Exception {
        onLoop(() -> {
            for (int i = 0; i < 100; i++) {
                queue.putNowait(i);
            }
            int[] sum = new int[1];
            List<Task<Void>> workers = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                workers.add(createTask(async(() -> {
                    for (Integer item; (item = await(queue.next())) != null; queue.taskDone()) {
                        sum[0] += item;
                    }
                })));
            }
            await(queue.join());
            assertThat(sum[0]).isEqualTo(4950);
            assertThat(workers).noneMatch(Task::done);
            queue.shutdown();
            await(workers.get(0));
            await(workers.get(1));
        });
    }

    @ParameterizedTest
    @MethodSource("unboundedQueues")
    @DisplayName("QUE-28 join of a queue without items does not wait")
    void joinEmptyQueue(Queue<Integer> queue) throws Exception {
        onLoop(() -> {
            await(queue.join());
            await(queue.join());
        });
    }

    @ParameterizedTest
    @MethodSource("unboundedQueues")
    @DisplayName("QUE-29 the text tells how many items are not done, and that it is shut down")
    void format(Queue<Integer> queue) {
        String name = queue.getClass().getSimpleName();
        queue.putNowait(1);
        queue.putNowait(2);
        queue.getNowait();
        queue.getNowait();
        assertThat(queue).hasToString("<" + name + " maxsize=0 tasks=2>");
        queue.shutdown();
        assertThat(queue).hasToString("<" + name + " maxsize=0 tasks=2 shutdown>");
    }

    @ParameterizedTest
    @MethodSource("queuesOfOne")
    @DisplayName("QUE-30 shutdown of an empty queue fails who waits, and all that comes later")
    void shutdownEmpty(Queue<String> queue) throws Exception {
        onLoop(() -> {
            Task<Void> join = createTask(queue.join());
            Task<String> get = createTask(async(() -> await(queue.get())));
            Task<String> next = createTask(queue.next());
            tick();
            tick();
            queue.shutdown();
            await(join);
            tick();
            assertThat(get.done()).isTrue();
            assertThatThrownBy(() -> await(get))
                    .isInstanceOf(QueueShutDownException.class)
                    .hasMessageContaining("shut down");
            assertThat(await(next)).isNull();
            assertAllRefused(queue);
        });
    }

    private static void assertAllRefused(Queue<String> queue) {
        assertThatThrownBy(() -> await(queue.put("data"))).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(() -> await(createTask(queue.put("data")))).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(() -> queue.putNowait("data")).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(() -> queue.tryPut("data")).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(() -> await(queue.get())).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(() -> await(createTask(queue.get()))).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(queue::getNowait).isInstanceOf(QueueShutDownException.class);
        assertThatThrownBy(queue::tryGet).isInstanceOf(QueueShutDownException.class);
        assertThat(queue.isShutdown()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("queuesOfOne")
    @DisplayName("QUE-31 after shutdown what is in the queue can be taken, and putters fail")
    void shutdownNonempty(Queue<String> queue) throws Exception {
        onLoop(() -> {
            queue.putNowait("data");
            Task<Void> join = createTask(queue.join());
            Task<Void> put = createTask(queue.put("data2"));
            tick();
            assertThat(put.done()).isFalse();
            queue.shutdown();
            assertThat(queue.size()).isEqualTo(1);
            tick();
            assertThatThrownBy(() -> await(put)).isInstanceOf(QueueShutDownException.class);
            assertThat(queue.size()).isEqualTo(1);
            assertThat(await(queue.get())).isEqualTo("data");
            assertThat(queue.size()).isZero();
            tick();
            assertThat(join.done()).isFalse();
            assertAllRefused(queue);
            queue.taskDone();
            await(join);
            assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
        });
    }

    @ParameterizedTest
    @MethodSource("queuesOfOne")
    @DisplayName("QUE-32 immediate shutdown drops what is in the queue and counts it as done")
    void shutdownImmediate(Queue<String> queue) throws Exception {
        onLoop(() -> {
            queue.putNowait("data");
            Task<Void> join = createTask(queue.join());
            tick();
            queue.shutdown(true);
            assertThat(queue.size()).isZero();
            await(join);
            assertAllRefused(queue);
            assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
        });
    }

    @ParameterizedTest
    @MethodSource("queuesOfOne")
    @DisplayName(
            "QUE-34 shutdown again is harmless; immediate then drops the rest; a putter that was let in looks again")
    void shutdownTwice(Queue<String> queue) throws Exception {
        onLoop(() -> {
            queue.putNowait("data");
            Task<Void> put = createTask(queue.put("data2"));
            Task<Void> other = createTask(async(() -> {
                await(queue.put("data3"));
            }));
            tick();
            tick();
            assertThat(queue.getNowait()).isEqualTo("data");
            queue.shutdown();
            queue.shutdown();
            assertThatThrownBy(() -> await(put)).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(() -> await(other)).isInstanceOf(QueueShutDownException.class);
            assertThat(queue.size()).isZero();
        });
        Queue<String> two = new Queue<>(2);
        two.putNowait("data");
        two.shutdown();
        assertThat(two.size()).isEqualTo(1);
        two.shutdown(true);
        assertThat(two.size()).isZero();
        assertThatThrownBy(two::taskDone).isInstanceOf(IllegalStateException.class);
    }
}
