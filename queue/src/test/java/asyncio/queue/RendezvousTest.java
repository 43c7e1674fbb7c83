package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.LoopThread;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/** A put lasts until a getter has resumed with the item. */
@Timeout(60)
class RendezvousTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static <T> Task<T> start(boolean body, Mono<T> mono) {
        return createTask(body ? async(() -> await(mono)) : mono);
    }

    /** Lets all that is ready, and what comes of that, run. */
    private static void ticks() throws Exception {
        for (int i = 0; i < 4; i++) {
            tick();
        }
    }

    private static <T> Task<T> submit(LoopThread thread, Mono<T> mono) {
        CompletableFuture<Task<T>> task = new CompletableFuture<>();
        thread.loop.callSoonThreadsafe(() -> task.complete(createTask(mono)));
        return task.join();
    }

    /** A put whose item a getter was granted, and has not resumed with. */
    private record OnItsWay(Queue<Integer> queue, Task<Integer> getter, Task<Void> putter) {
        static OnItsWay begin(boolean body) throws Exception {
            Queue<Integer> queue = Queue.rendezvous();
            Task<Integer> getter = start(body, queue.get());
            ticks();
            Task<Void> putter = start(body, queue.put(1));
            tick();
            assertThat(queue.core.state().getters()).as("granted").isZero();
            assertThat(queue.core.state().putters()).isOne();
            assertThat(getter.done()).isFalse();
            assertThat(putter.done()).isFalse();
            return new OnItsWay(queue, getter, putter);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a put waits for a getter, and completes when that has the item")
    void putWaits(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Task<Void> put = start(body, queue.put(1));
            await(sleep(Duration.ofHours(1)));
            assertThat(put.done()).isFalse();
            assertThat(queue).hasToString("<Queue rendezvous putters[1]>");
            assertThat(queue.isEmpty()).isTrue();
            assertThat(await(queue.get())).isEqualTo(1);
            ticks();
            assertThat(put.done()).isTrue();
            assertThat(queue).hasToString("<Queue rendezvous tasks=1>");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a get waits for a putter, whose put completes after the getter has resumed, not before")
    void getWaits(boolean body) throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(body);
            List<String> order = new ArrayList<>();
            way.getter.addDoneCallback(done -> order.add("got"));
            way.putter.addDoneCallback(done -> order.add("put"));
            assertThat(await(way.getter)).isEqualTo(1);
            await(way.putter);
            ticks();
            assertThat(order).containsExactly("got", "put");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("first in, first out, on both sides")
    void order(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            List<Task<Void>> puts = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                puts.add(start(body, queue.put(i)));
            }
            ticks();
            for (int i = 0; i < 3; i++) {
                assertThat(await(queue.get())).isEqualTo(i);
                ticks();
                assertThat(puts.stream().filter(Task::done)).hasSize(i + 1);
            }
            List<Task<Integer>> gets = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                gets.add(start(body, queue.get()));
            }
            ticks();
            for (int i = 0; i < 3; i++) {
                await(queue.put(i));
                assertThat(await(gets.get(i))).isEqualTo(i);
            }
        });
    }

    // ---- cancelled in between

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("cats-effect #3603: the getter is cancelled as it is granted the item: the putter has it still")
    void getterCancelled(boolean body) throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(body);
            way.getter.cancel();
            ticks();
            assertThat(way.getter.cancelled()).isTrue();
            assertThat(way.putter.done()).isFalse();
            assertThat(await(way.queue.get())).isEqualTo(1);
            await(way.putter);
            assertThat(way.queue.tryGet()).isNull();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("the item of a getter that is cancelled goes to the next in line, at once")
    void nextGetter(boolean body) throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(body);
            Task<Integer> next = createTask(way.queue.get());
            way.getter.cancel();
            assertThat(await(next)).isEqualTo(1);
            await(way.putter);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a putter that has its item back keeps its place before those who came later")
    void keepsPlace(boolean body) throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(body);
            Task<Void> later = createTask(way.queue.put(2));
            way.getter.cancel();
            ticks();
            assertThat(await(way.queue.get())).isEqualTo(1);
            assertThat(await(way.queue.get())).isEqualTo(2);
            await(way.putter);
            await(later);
        });
    }

    @Test
    @DisplayName("a body that is cancelled while its item is on the way: the put completes, the next await throws")
    void putterCancelledTooLate() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Task<Integer> getter = createTask(queue.get());
            tick();
            List<String> seen = new ArrayList<>();
            Task<Void> putter = createTask(async(() -> {
                await(queue.put(1));
                seen.add("put");
                try {
                    tick();
                } catch (CancelledException e) {
                    seen.add(e.getMessage());
                    throw e;
                }
            }));
            tick();
            assertThat(putter.cancel("enough")).isTrue();
            assertThat(await(getter)).isEqualTo(1);
            ticks();
            assertThat(seen).containsExactly("put", "enough");
            assertThat(putter.cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName(
            "a task that is a put and nothing else ends as the put does, not with a cancellation that came too late")
    void plainTask() throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(false);
            way.putter.cancel();
            assertThat(await(way.getter)).isEqualTo(1);
            ticks();
            assertThat(way.putter.cancelled()).isFalse();
            await(way.putter);

            Queue<Integer> queue = Queue.rendezvous();
            Task<Void> granted = createTask(queue.put(2));
            tick();
            assertThat(queue.tryGet()).isEqualTo(2); // settled, and on its way back
            granted.cancel();
            await(granted);
        });
    }

    @Test
    @DisplayName("a body that is cancelled after the getter has resumed, before it resumes itself, has put the item")
    void cancelledAfterwards() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            List<String> seen = new ArrayList<>();
            Task<Void> putter = createTask(async(() -> {
                await(queue.put(1));
                seen.add("put");
                tick();
                seen.add("not reached");
            }));
            tick();
            assertThat(queue.tryGet()).isEqualTo(1);
            putter.cancel();
            ticks();
            assertThat(seen).containsExactly("put");
            assertThat(putter.cancelled()).isTrue();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("getter and putter are cancelled: the put has not happened")
    void bothCancelled(boolean body) throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(body);
            way.putter.cancel();
            way.getter.cancel();
            ticks();
            assertThat(way.getter.cancelled()).isTrue();
            assertThat(way.putter.cancelled()).isTrue();
            assertThat(way.queue.tryGet()).isNull();
            assertThat(way.queue).hasToString("<Queue rendezvous>");
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a putter that is cancelled in line takes its item with it")
    void cancelledInLine(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            List<Task<Void>> puts = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                puts.add(start(body, queue.put(i)));
            }
            ticks();
            puts.get(1).cancel();
            assertThat(await(queue.get())).isEqualTo(0);
            assertThat(await(queue.get())).isEqualTo(2);
            ticks();
            assertThat(puts.get(1).cancelled()).isTrue();
            assertThat(queue.tryGet()).isNull();
        });
    }

    @Test
    @DisplayName("a subscription that is disposed of leaves the line; its item is outside")
    void disposed() {
        Queue<Integer> queue = Queue.rendezvous();
        Disposable put = queue.put(1).subscribe();
        Disposable get = Queue.rendezvous().get().subscribe();
        put.dispose();
        get.dispose();
        assertThat(queue.tryGet()).isNull();
        assertThat(queue).hasToString("<Queue rendezvous>");
    }

    // ---- time

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a time limit counts from the subscription, and leaves nothing")
    void timeLimits(boolean body) throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Duration begin = EventLoop.getRunningLoop().time();
            assertThatThrownBy(() -> await(start(body, queue.put(1, SECOND))))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessage("Timed out after PT1S waiting for a getter of <Queue rendezvous size=0 putters[1]>");
            assertThatThrownBy(() -> await(start(body, queue.get(SECOND)))).isInstanceOf(TimeoutException.class);
            assertThat(EventLoop.getRunningLoop().time().minus(begin)).isEqualTo(SECOND.multipliedBy(2));
            assertThatThrownBy(() -> await(start(body, queue.put(1, Duration.ZERO))))
                    .isInstanceOf(TimeoutException.class);
            assertThat(queue).hasToString("<Queue rendezvous>");

            Task<Integer> getter = start(body, queue.get());
            ticks();
            await(start(body, queue.put(2, Duration.ZERO)));
            assertThat(await(getter)).isEqualTo(2);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("a time that is out while the item is on the way: the getter's next step decides")
    void outOfTimeOnTheWay(boolean takes) throws Exception {
        Queue<Integer> queue = Queue.rendezvous();
        CountDownLatch busy = new CountDownLatch(1);
        try (LoopThread other = new LoopThread()) {
            Task<Integer> getter = submit(other, queue.get());
            while (queue.core.state().getters() == 0) {
                Thread.onSpinWait();
            }
            other.loop.callSoonThreadsafe(() -> {
                try {
                    busy.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
                if (!takes) {
                    getter.cancel();
                }
            });
            onLoop(() -> {
                Task<Void> putter = createTask(queue.put(1, SECOND));
                await(sleep(SECOND.multipliedBy(2)));
                assertThat(putter.done()).isFalse();
                busy.countDown();
                if (takes) {
                    assertThat(await(getter)).isEqualTo(1);
                    await(putter);
                } else {
                    assertThatThrownBy(() -> await(putter)).isInstanceOf(TimeoutException.class);
                    assertThat(getter.cancelled()).isTrue();
                }
                assertThat(queue.tryGet()).isNull();
            });
        }
    }

    // ---- at once

    @Test
    @DisplayName("putNowait needs a getter, getNowait a putter")
    void atOnce() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            assertThat(queue.isFull()).isTrue();
            assertThat(queue.tryPut(1)).isFalse();
            assertThatThrownBy(() -> queue.putNowait(1)).isInstanceOf(QueueFullException.class);
            assertThatThrownBy(queue::getNowait).isInstanceOf(QueueEmptyException.class);

            Task<Integer> getter = createTask(queue.get());
            tick();
            assertThat(queue.isFull()).isFalse();
            queue.putNowait(1);
            assertThat(queue.tryPut(2)).as("there is one getter").isFalse();
            assertThat(await(getter)).isEqualTo(1);

            Task<Void> putter = createTask(queue.put(3));
            tick();
            assertThat(queue.getNowait()).isEqualTo(3);
            await(putter);
            assertThat(queue.maxsize()).isZero();
        });
    }

    @Test
    @DisplayName(
            "an item that was put at once, and whose getter is cancelled, stays for the next getter, before all puts")
    void comesBack() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Task<Integer> getter = createTask(queue.get());
            tick();
            queue.putNowait(1);
            getter.cancel();
            ticks();
            Task<Void> put = createTask(queue.put(2));
            ticks();
            assertThat(queue).hasToString("<Queue rendezvous items=[1] putters[1] tasks=1>");
            assertThat(queue.size()).isEqualTo(1);
            assertThat(await(queue.get())).isEqualTo(1);
            assertThat(await(queue.get())).isEqualTo(2);
            await(put);
        });
    }

    // ---- join, shutdown

    @Test
    @DisplayName("(QUE) join waits for what was taken, not for what is being put")
    void join() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = Queue.rendezvous();
            Task<Void> put = createTask(queue.put(1));
            tick();
            await(queue.join());
            assertThatThrownBy(queue::taskDone).isInstanceOf(IllegalStateException.class);
            await(queue.get());
            Task<Void> join = createTask(queue.join());
            ticks();
            assertThat(join.done()).isFalse();
            queue.taskDone();
            await(join);
            await(put);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("shutdown fails those who wait, on both sides")
    void shutdown(boolean immediate) throws Exception {
        onLoop(() -> {
            List<Integer> lost = new ArrayList<>();
            Queue<Integer> puts = Queue.rendezvous(lost::add);
            Queue<Integer> gets = Queue.rendezvous();
            Task<Void> putter = createTask(puts.put(1));
            Task<Integer> getter = createTask(gets.get());
            Task<Integer> last = createTask(gets.next());
            tick();
            puts.shutdown(immediate);
            gets.shutdown(immediate);
            assertThatThrownBy(() -> await(putter)).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(() -> await(getter)).isInstanceOf(QueueShutDownException.class);
            assertThat(await(last)).isNull();
            assertThatThrownBy(() -> await(puts.put(2))).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(() -> puts.tryPut(2)).isInstanceOf(QueueShutDownException.class);
            assertThatThrownBy(puts::tryGet).isInstanceOf(QueueShutDownException.class);
            assertThat(await(puts.next())).isNull();
            assertThat(lost).as("the putter has its item").isEmpty();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("shutdown while an item is on the way: the getter's next step decides")
    void shutdownOnTheWay(boolean takes) throws Exception {
        onLoop(() -> {
            OnItsWay way = OnItsWay.begin(false);
            way.queue.shutdown();
            if (takes) {
                assertThat(await(way.getter)).isEqualTo(1);
                await(way.putter);
            } else {
                way.getter.cancel();
                assertThatThrownBy(() -> await(way.putter)).isInstanceOf(QueueShutDownException.class);
            }
            await(way.queue.asFlux().then());
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("shutdown also fails a putter that has its item back, and keeps what was put at once unless immediate")
    void shutdownAfterComeback(boolean immediate) throws Exception {
        onLoop(() -> {
            List<Integer> lost = new ArrayList<>();
            Queue<Integer> queue = Queue.rendezvous(lost::add);
            Task<Integer> one = createTask(queue.get());
            Task<Integer> other = createTask(queue.get());
            tick();
            Task<Void> putter = createTask(queue.put(1));
            tick();
            queue.putNowait(2);
            one.cancel();
            other.cancel();
            ticks();
            queue.shutdown(immediate);
            assertThatThrownBy(() -> await(putter)).isInstanceOf(QueueShutDownException.class);
            if (immediate) {
                assertThat(lost).containsExactly(2);
                await(queue.join());
            } else {
                assertThat(queue.tryGet()).isEqualTo(2);
                assertThat(lost).isEmpty();
            }
            assertThatThrownBy(queue::tryGet).isInstanceOf(QueueShutDownException.class);
        });
    }

    @Test
    @DisplayName("a putter whose loop is closed leaves its item to the getter that has it, and to nobody else")
    void closedLoop() throws Exception {
        Queue<Integer> queue = Queue.rendezvous();
        LoopThread closing = new LoopThread();
        submit(closing, queue.put(1));
        submit(closing, async(() -> await(queue.put(2))));
        while (queue.core.state().putters() < 2) {
            Thread.onSpinWait();
        }
        closing.close();
        assertThat(queue.tryGet()).isNull();
    }
}
