package asyncio.testkit;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.asCompleted;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.Asyncio.waitTasks;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.Future;
import asyncio.ReturnWhen;
import asyncio.Task;
import asyncio.TaskGroup;
import asyncio.queue.Queue;
import asyncio.queue.Select;
import asyncio.streams.Streams;
import asyncio.sync.Barrier;
import asyncio.sync.Condition;
import asyncio.sync.Event;
import asyncio.sync.KeyedLock;
import asyncio.sync.Lock;
import asyncio.sync.ReadWriteLock;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** Of two cancellations in one tick the first takes effect, as in asyncio. */
@Timeout(60)
class CancellationMessageTest {
    private static final Duration LONG = Duration.ofHours(1);

    private record Case(String name, Callable<Mono<?>> suspends) {}

    private static Stream<Case> cases() {
        return Stream.of(
                new Case("sleep", () -> sleep(LONG)),
                new Case("future", () -> new Future<>()),
                new Case("event", () -> new Event().await()),
                new Case("event with a limit", () -> new Event().await(LONG)),
                new Case("lock", () -> {
                    Lock lock = new Lock();
                    await(lock.acquire());
                    return lock.acquire();
                }),
                new Case("withLock", () -> {
                    Lock lock = new Lock();
                    await(lock.acquire());
                    return lock.withLock(Mono.just(1));
                }),
                new Case("inside withLock", () -> new Lock().withLock(new Event().await())),
                new Case("keyed lock", () -> {
                    KeyedLock<String> locks = new KeyedLock<>();
                    await(locks.lock("key").acquire());
                    return locks.lock("key").acquire();
                }),
                new Case("write lock", () -> {
                    ReadWriteLock lock = new ReadWriteLock();
                    await(lock.readLock().acquire());
                    return lock.writeLock().acquire();
                }),
                new Case("semaphore", () -> new Semaphore(0).acquire()),
                new Case("barrier", () -> new Barrier(2).await()),
                new Case("condition", () -> {
                    Condition condition = new Condition();
                    await(condition.acquire());
                    return condition.await();
                }),
                new Case("condition with a predicate", () -> {
                    Condition condition = new Condition();
                    await(condition.acquire());
                    return condition.awaitUntil(() -> false);
                }),
                new Case("get", () -> new Queue<Integer>(9).get()),
                new Case("put", () -> {
                    Queue<Integer> queue = new Queue<>(1);
                    queue.putNowait(1);
                    return queue.put(2);
                }),
                new Case("join", () -> {
                    Queue<Integer> queue = new Queue<>(9);
                    queue.putNowait(1);
                    return queue.join();
                }),
                new Case(
                        "select",
                        () -> new Select<Integer>()
                                .onGet(new Queue<Integer>(9), item -> item)
                                .first()),
                new Case("read", () -> MemoryPair.open().client().reader().readLine()),
                new Case(
                        "serveForever",
                        () -> await(Streams.startServerBody(connection -> {}, "127.0.0.1", 0))
                                .serveForever()),
                new Case("asFlux", () -> new Queue<Integer>(9).asFlux().next()),
                new Case("task", () -> createTask(sleep(LONG))),
                new Case("gather", () -> gather(sleep(LONG), new Event().await())),
                new Case("gather of exceptions", () -> gather(List.of(sleep(LONG), new Event().await()), true)),
                new Case("race", () -> race(sleep(LONG), new Event().await())),
                new Case("all", () -> all(sleep(LONG), new Event().await())),
                new Case("shield", () -> shield(sleep(LONG))),
                new Case("waitTasks", () -> waitTasks(List.of(new Future<>()), ReturnWhen.ALL_COMPLETED)),
                new Case("asCompleted", () -> asCompleted(List.of(sleep(LONG))).next()),
                new Case("waitFor", () -> waitFor(new Event().await(), Duration.ofMinutes(1))),
                new Case("timeout", () -> asyncio.Timeout.scope(LONG, limit -> new Event().await())),
                new Case(
                        "group",
                        () -> TaskGroup.scope(group -> {
                            group.createTask(sleep(LONG));
                            return Mono.empty();
                        })),
                new Case("body of a group", () -> TaskGroup.scopeBody(group -> await(new Event().await()))),
                new Case("body", () -> async(() -> await(new Event().await()))),
                new Case("another's Mono", Mono::never),
                new Case("an operator", () -> new Event().await().thenReturn(1)));
    }

    /** Returns the message for a task that runs a coroutine and is cancelled twice before it can resume. */
    private static String cancelledTwice(Mono<?> coroutine) throws Exception {
        Task<?> task = createTask(coroutine);
        for (int i = 0; i < 5; i++) {
            await(sleep(Duration.ZERO));
        }
        task.cancel("first");
        task.cancel("second");
        await(waitTasks(List.of(task), ReturnWhen.ALL_COMPLETED));
        return messageOf(task);
    }

    @TestFactory
    Stream<DynamicTest> inABody() {
        return cases().map(test -> test(test, () -> async(() -> await(test.suspends.call()))));
    }

    @TestFactory
    Stream<DynamicTest> inATaskWithoutABody() {
        return cases().map(test -> test(test, test.suspends));
    }

    private static DynamicTest test(Case test, Callable<Mono<?>> coroutine) {
        return DynamicTest.dynamicTest(
                test.name,
                () -> assertThat(Asyncio.<String>run(() -> cancelledTwice(coroutine.call())))
                        .isEqualTo("first"));
    }

    @Test
    void aConditionThatWaitsForItsLockEndsWithTheLastOfSeveralTicksAndTheFirstOfEach() throws Exception {
        assertThat(Asyncio.<List<String>>run(() -> List.of(whileTheLockIsHeld(false), whileTheLockIsHeld(true))))
                .containsExactly("first", "third");
    }

    private static String whileTheLockIsHeld(boolean inAnotherTickToo) throws Exception {
        Condition condition = new Condition();
        Task<Void> waiter = createTask(async(() -> {
            try (var permit = await(condition.acquire())) {
                await(condition.await());
            }
        }));
        await(sleep(Duration.ZERO));
        var permit = await(condition.acquire());
        waiter.cancel("first");
        waiter.cancel("second");
        await(sleep(Duration.ZERO));
        if (inAnotherTickToo) {
            waiter.cancel("third");
            waiter.cancel("fourth");
            await(sleep(Duration.ZERO));
        }
        permit.close();
        await(waitTasks(List.of(waiter), ReturnWhen.ALL_COMPLETED));
        return messageOf(waiter);
    }

    private static String messageOf(Task<?> cancelled) throws Exception {
        try {
            return String.valueOf(cancelled.result());
        } catch (CancelledException e) {
            return e.getMessage();
        }
    }

    @Test
    void ofTwoCancellationsOfATaskThatIsNotSuspendedOnAnythingTheLastCounts() throws Exception {
        assertThat(Asyncio.<String>run(() -> {
                    Task<Void> unstarted = createTask(sleep(LONG));
                    unstarted.cancel("first");
                    unstarted.cancel("second");
                    await(sleep(Duration.ZERO));
                    await(sleep(Duration.ZERO));
                    return messageOf(unstarted);
                }))
                .isEqualTo("second");
    }
}
