package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.Asyncio.waitTasks;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.ReturnWhen;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.queue.Queue;
import asyncio.sync.Event;
import asyncio.sync.Lock;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A task of operators over this library's Monos ends in the same tick as CPython's {@code await}, and receives
 * cancellations like a body. The numbers are CPython 3.13's.
 */
@Timeout(60)
class OperatorTicksTest {
    /** A coroutine that waits, and the action that ends the wait. */
    private record Case(Mono<?> coroutine, Runnable then) {}

    private record Row(String name, int ticks, Callable<Case> make) {}

    private static <T> Future<T> future() {
        return EventLoop.getRunningLoop().createFuture();
    }

    private static Row row(String name, int ticks, Callable<Case> make) {
        return new Row(name, ticks, make);
    }

    private static Stream<Row> rows() {
        return Stream.of(
                row("future", 1, () -> {
                    Future<Integer> f = future();
                    return new Case(f, () -> f.setResult(1));
                }),
                row("future.map", 1, () -> {
                    Future<Integer> f = future();
                    return new Case(f.map(x -> x + 1), () -> f.setResult(1));
                }),
                row("future that fails, with operators", 1, () -> {
                    Future<Integer> f = future();
                    return new Case(
                            f.map(x -> x + 1).onErrorReturn(2).flatMap(Mono::just),
                            () -> f.setException(new java.io.IOException("x")));
                }),
                row("future.flatMap(future)", 1, () -> {
                    Future<Integer> f = future();
                    Future<Integer> g = future();
                    return new Case(f.flatMap(x -> g).then(), () -> {
                        f.setResult(1);
                        g.setResult(2);
                    });
                }),
                row("zip of futures", 1, () -> {
                    Future<Integer> f = future();
                    Future<Integer> g = future();
                    return new Case(Mono.zip(f, g, Integer::sum), () -> {
                        f.setResult(1);
                        g.setResult(2);
                    });
                }),
                row("task.map", 2, () -> {
                    Future<Integer> f = future();
                    return new Case(createTask(f.map(x -> x + 1)).map(x -> x + 1), () -> f.setResult(1));
                }),
                row("withLock(future)", 1, () -> {
                    Future<Integer> f = future();
                    return new Case(new Lock().withLock(f), () -> f.setResult(1));
                }),
                row("withLock that waits for the lock", 1, () -> {
                    Lock lock = new Lock();
                    var permit = await(lock.acquire());
                    return new Case(lock.withLock(Mono.fromCallable(() -> 1)), permit::close);
                }),
                row("withPermit", 1, () -> {
                    Semaphore semaphore = new Semaphore(0);
                    return new Case(semaphore.withPermit(Mono.just(1)).map(x -> x + 1), semaphore::release);
                }),
                row("gather of futures as a task", 2, () -> {
                    Future<Integer> f = future();
                    return new Case(gather(f, Mono.just(1)), () -> f.setResult(1));
                }),
                row("gather of tasks, with an operator", 3, () -> {
                    Future<Integer> f = future();
                    return new Case(gather(f.map(x -> x + 1)).map(List::size), () -> f.setResult(1));
                }),
                row("shield.map", 2, () -> {
                    Future<Integer> f = future();
                    return new Case(shield(f).map(x -> x + 1), () -> f.setResult(1));
                }),
                row("waitFor(future.map)", 1, () -> {
                    Future<Integer> f = future();
                    return new Case(waitFor(f.map(x -> x + 1), Duration.ofHours(1)), () -> f.setResult(1));
                }),
                row("waitTasks, with an operator", 2, () -> {
                    Future<Integer> f = future();
                    return new Case(
                            waitTasks(List.of(f), ReturnWhen.ALL_COMPLETED).map(result -> 1), () -> f.setResult(1));
                }),
                row("group", 3, () -> {
                    Future<Integer> f = future();
                    return new Case(
                            TaskGroup.scope(group -> {
                                group.createTask(f.map(x -> x + 1));
                                return Mono.empty();
                            }),
                            () -> f.setResult(1));
                }),
                row("queue.get().map", 1, () -> {
                    Queue<Integer> queue = new Queue<>(1);
                    return new Case(queue.get().map(x -> x + 1), () -> queue.putNowait(1));
                }),
                row("queue.put().thenReturn", 1, () -> {
                    Queue<Integer> queue = new Queue<>(1);
                    queue.putNowait(1);
                    return new Case(queue.put(2).thenReturn(1), queue::getNowait);
                }),
                row("queue.join().thenReturn", 1, () -> {
                    Queue<Integer> queue = new Queue<>(1);
                    queue.putNowait(1);
                    return new Case(queue.join().thenReturn(1), queue::taskDone);
                }),
                row("event.await().thenReturn", 1, () -> {
                    Event event = new Event();
                    return new Case(event.await().thenReturn(1), event::set);
                }));
    }

    @TestFactory
    Stream<DynamicTest> asATask() {
        return rows().map(row -> DynamicTest.dynamicTest(
                row.name,
                () -> assertThat(Asyncio.<Integer>run(() -> {
                            Case test = row.make.call();
                            return ticks(createTask(test.coroutine), test.then);
                        }))
                        .isEqualTo(row.ticks)));
    }

    @TestFactory
    Stream<DynamicTest> inABody() {
        return rows().map(row -> DynamicTest.dynamicTest(
                row.name,
                () -> assertThat(Asyncio.<Integer>run(() -> {
                            Case test = row.make.call();
                            return ticks(createTask(async(() -> await(test.coroutine))), test.then);
                        }))
                        .isEqualTo(row.ticks)));
    }

    private static int ticks(Task<?> task, Runnable then) throws Exception {
        for (int i = 0; i < 6; i++) {
            await(sleep(Duration.ZERO));
        }
        assertThat(task.done()).isFalse();
        then.run();
        int ticks = 0;
        for (; !task.done(); ticks++) {
            await(sleep(Duration.ZERO));
        }
        return ticks;
    }

    @Test
    void aSleepOfOneTickAsATaskTakesTwoWithTheStart() throws Exception {
        assertThat(Asyncio.<List<Integer>>run(() -> {
                    List<Integer> ticks = new ArrayList<>();
                    for (Mono<?> sleep : List.of(
                            sleep(Duration.ZERO), sleep(Duration.ZERO, 1).map(x -> x + 1))) {
                        Task<?> task = createTask(sleep);
                        int n = 0;
                        for (; !task.done(); n++) {
                            await(sleep(Duration.ZERO));
                        }
                        ticks.add(n);
                    }
                    return ticks;
                }))
                .containsExactly(2, 2);
    }

    // ---- order

    @Test
    void thoseThatAwaitAndThoseWithOperatorsResumeInTheOrderInWhichTheyCame() throws Exception {
        assertThat(Asyncio.<List<String>>run(() -> {
                    Future<Integer> f = future();
                    List<String> order = new ArrayList<>();
                    List<Task<?>> tasks = new ArrayList<>();
                    for (int i = 0; i < 3; i++) {
                        String name = String.valueOf(i);
                        tasks.add(createTask(async(() -> {
                            await(f);
                            order.add("await " + name);
                        })));
                        tasks.add(createTask(async(() -> {
                            await(f.map(x -> x + 1));
                            order.add("map " + name);
                        })));
                    }
                    await(sleep(Duration.ZERO));
                    f.setResult(1);
                    EventLoop.getRunningLoop().callSoon(() -> order.add("callback"));
                    await(sleep(Duration.ZERO));
                    await(sleep(Duration.ZERO));
                    return order;
                }))
                .containsExactly("await 0", "map 0", "await 1", "map 1", "await 2", "map 2", "callback");
    }

    /** An operator's side effect is not an await of the Mono it ends. */
    @Test
    void whatAnOperatorEndsBesideItsOwnTaskResumesInTheNextTick() throws Exception {
        assertThat(Asyncio.<List<String>>run(() -> {
                    Future<Integer> f = future();
                    Sinks.One<Integer> sink = Sinks.one();
                    List<String> order = new ArrayList<>();
                    Task<?> other = createTask(async(() -> {
                        await(sink.asMono());
                        order.add("other");
                    }));
                    Task<?> own = createTask(async(() -> {
                        await(f.doOnNext(sink::tryEmitValue));
                        order.add("own");
                    }));
                    await(sleep(Duration.ZERO));
                    f.setResult(1);
                    EventLoop.getRunningLoop().callSoon(() -> order.add("callback"));
                    await(waitTasks(List.of(other, own), ReturnWhen.ALL_COMPLETED));
                    return order;
                }))
                .containsExactly("own", "callback", "other");
    }

    @Test
    void aCallbackThatEndsAnothersMonoDoesNotRunItsTask() throws Exception {
        assertThat(Asyncio.<List<String>>run(() -> {
                    Sinks.One<Integer> sink = Sinks.one();
                    List<String> order = new ArrayList<>();
                    Task<?> task = createTask(async(() -> {
                        await(sink.asMono());
                        order.add("task");
                    }));
                    await(sleep(Duration.ZERO));
                    EventLoop.getRunningLoop().callSoon(() -> sink.tryEmitValue(1));
                    EventLoop.getRunningLoop().callSoon(() -> order.add("callback"));
                    await(task);
                    return order;
                }))
                .containsExactly("callback", "task");
    }

    // ---- withdrawn cancellations

    private static Stream<Row> thatEndBeforeTheCancellation() {
        return rows().filter(row -> row.ticks == 1);
    }

    @TestFactory
    Stream<DynamicTest> aCancellationAfterTheEndCanBeTakenBack() {
        return thatEndBeforeTheCancellation()
                .map(row -> DynamicTest.dynamicTest(
                        row.name,
                        () -> Asyncio.run(() -> {
                            for (boolean body : new boolean[] {false, true}) {
                                Case test = row.make.call();
                                Task<?> task = createTask(body ? async(() -> await(test.coroutine)) : test.coroutine);
                                await(sleep(Duration.ZERO));
                                await(sleep(Duration.ZERO));
                                test.then.run();
                                assertThat(task.cancel()).isTrue();
                                assertThat(task.uncancel()).isZero();
                                await(waitTasks(List.of(task), ReturnWhen.ALL_COMPLETED));
                                assertThat(task.cancelled())
                                        .as("a body: " + body)
                                        .isFalse();
                                assertThat(task.exception()).isNull();
                            }
                        })));
    }

    @TestFactory
    Stream<DynamicTest> aCancellationAfterTheEndThatIsNotTakenBackWins() {
        return thatEndBeforeTheCancellation()
                .map(row -> DynamicTest.dynamicTest(
                        row.name,
                        () -> Asyncio.run(() -> {
                            for (boolean body : new boolean[] {false, true}) {
                                Case test = row.make.call();
                                Task<?> task = createTask(body ? async(() -> await(test.coroutine)) : test.coroutine);
                                await(sleep(Duration.ZERO));
                                await(sleep(Duration.ZERO));
                                test.then.run();
                                task.cancel("enough");
                                task.cancel("more than enough");
                                task.uncancel();
                                assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
                            }
                        })));
    }

    @Test
    void aValueThatComesBeforeTheCancelledTaskResumesGoesBack() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> f = future();
            List<Object> discarded = new ArrayList<>();
            Task<?> task = createTask(
                    f.map(x -> x + 1).contextWrite(context -> context).doOnDiscard(Integer.class, discarded::add));
            await(sleep(Duration.ZERO));
            f.setResult(41);
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            Task<?> itself = createTask(async(() -> {
                Task<?> me = currentTask();
                Future<Integer> g = future();
                EventLoop.getRunningLoop().callSoon(() -> {
                    g.setResult(1);
                    me.cancel();
                    me.uncancel();
                    me.cancel("again");
                });
                await(g.map(x -> x));
            }));
            assertThatThrownBy(() -> await(itself)).hasMessage("again");
        });
    }
}
