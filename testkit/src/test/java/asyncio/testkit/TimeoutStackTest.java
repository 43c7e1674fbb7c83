package asyncio.testkit;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.asCompleted;
import static asyncio.Asyncio.asCompletedTasks;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.shieldedCleanup;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.Asyncio;
import asyncio.Task;
import asyncio.TimedOutException;
import asyncio.queue.LifoQueue;
import asyncio.queue.PriorityQueue;
import asyncio.queue.Queue;
import asyncio.queue.Select;
import asyncio.subprocess.Command;
import asyncio.subprocess.Subprocess;
import asyncio.sync.Barrier;
import asyncio.sync.BoundedSemaphore;
import asyncio.sync.Condition;
import asyncio.sync.Event;
import asyncio.sync.KeyedLock;
import asyncio.sync.Lock;
import asyncio.sync.ReadWriteLock;
import asyncio.sync.Semaphore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** An expired time limit shows the await at which it expired, with and without debug mode. */
@Timeout(60)
class TimeoutStackTest {
    private static final Duration LIMIT = Duration.ofMillis(1);

    private static Throwable awaitIt(Mono<?> mono) {
        return catchThrowable(() -> await(mono));
    }

    private static void assertShowsTheAwait(String what, Throwable e) {
        assertThat(e).as(what).isInstanceOf(TimeoutException.class);
        assertThat(e.getStackTrace())
                .as(what)
                .anyMatch(frame -> frame.getMethodName().equals("awaitIt")
                        && frame.getClassName().equals(TimeoutStackTest.class.getName()));
    }

    /** Awaited directly, through an operator, as a task, and as a shared task by two. */
    private static void check(String what, Mono<?> mono) throws Exception {
        assertShowsTheAwait(what, awaitIt(mono));
        assertShowsTheAwait(what + " behind an operator", awaitIt(mono.map(x -> x)));
        assertShowsTheAwait(what + " in a deferred one", awaitIt(Mono.defer(() -> mono)));
        Task<?> task = createTask(mono);
        Task<Throwable> other = createTask(async(() -> awaitIt(task)));
        Throwable mine = awaitIt(task);
        assertShowsTheAwait(what + " as a task", mine);
        assertShowsTheAwait(what + " as a task of two", await(other));
        assertThat(mine)
                .as("each has one of their own")
                .isNotSameAs(await(other))
                .hasMessage(await(other).getMessage());
        assertThat(task.exception()).as("and none is touched").hasNoSuppressedExceptions();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyLimitShowsTheAwait(boolean debug) throws Exception {
        Asyncio.run(
                () -> {
                    Lock lock = new Lock();
                    lock.tryAcquire();
                    check("lock", lock.acquire(LIMIT));
                    Semaphore semaphore = new Semaphore(1);
                    check("permits", semaphore.acquire(2, LIMIT));
                    semaphore.tryAcquire();
                    check("permit", semaphore.acquire(LIMIT));
                    BoundedSemaphore bounded = new BoundedSemaphore(1);
                    bounded.tryAcquire();
                    check("bounded", bounded.acquire(LIMIT));
                    KeyedLock<String> keyed = new KeyedLock<>();
                    keyed.lock("a").tryAcquire();
                    check("keyed", keyed.lock("a").acquire(LIMIT));
                    ReadWriteLock readWrite = new ReadWriteLock();
                    readWrite.writeLock().tryAcquire();
                    check("read", readWrite.readLock().acquire(LIMIT));
                    check("write", readWrite.writeLock().acquire(LIMIT));
                    check("event", new Event().await(LIMIT));
                    Condition condition = new Condition();
                    check(
                            "condition",
                            Mono.usingWhen(
                                    condition.acquire(),
                                    permit -> condition.await(LIMIT),
                                    permit -> Mono.fromRunnable(permit::release)));
                    check("barrier", Mono.defer(() -> new Barrier(2).await(LIMIT)));
                    for (Queue<Integer> queue :
                            List.of(new Queue<Integer>(1), new LifoQueue<Integer>(1), new PriorityQueue<Integer>(1))) {
                        check("get", queue.get(LIMIT));
                        check(
                                "select",
                                new Select<Integer>().onGet(queue, x -> x).first(LIMIT));
                        queue.putNowait(1);
                        check("put", queue.put(2, LIMIT));
                    }
                },
                debug);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyLimitAroundOthersShowsTheAwait(boolean debug) throws Exception {
        Asyncio.run(
                () -> {
                    Mono<Void> long_ = sleep(Duration.ofHours(1));
                    check("waitFor", waitFor(long_, LIMIT));
                    check("waitFor without time", waitFor(long_, Duration.ZERO));
                    check("scope", asyncio.Timeout.scope(LIMIT, timeout -> long_));
                    check("scopeBody", asyncio.Timeout.scopeBody(LIMIT, timeout -> await(long_)));
                    check("shieldedCleanup", shieldedCleanup(long_, LIMIT));
                    check(
                            "asCompleted",
                            Mono.defer(() -> asCompleted(List.of(cancelledLater(long_)), LIMIT)
                                    .next()));
                    check(
                            "asCompletedTasks",
                            Mono.defer(() -> asCompletedTasks(List.of(cancelledLater(long_)), LIMIT)
                                    .next()));
                },
                debug);
    }

    /** So that the program need not wait for it. */
    private static Mono<Void> cancelledLater(Mono<Void> mono) {
        return mono.timeout(Duration.ofSeconds(1), Mono.empty());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theLimitOfAChildShowsTheAwait(boolean debug) throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/sleep")));
        Asyncio.run(
                () -> check("run", Subprocess.run(Command.of("/bin/sleep", "60").timeout(LIMIT))), debug);
    }

    @Test
    void whatAnotherBodyHasAwaitedKeepsThatOnesFrames() throws Exception {
        Asyncio.run(() -> {
            Task<Object> inner = createTask(async(() -> await(new Event().await(LIMIT))));
            Throwable e = awaitIt(inner);
            assertThat(e).isInstanceOf(TimedOutException.class).isSameAs(awaitIt(inner));
            assertThat(e.getStackTrace())
                    .noneMatch(frame -> frame.getMethodName().equals("awaitIt"));
            assertThat(e.getStackTrace())
                    .anyMatch(frame -> frame.getClassName().equals(TimeoutStackTest.class.getName()));
        });
    }

    @Test
    void ofThoseThatAGroupHasCollectedEachIsAsItWasMade() throws Exception {
        Asyncio.run(() -> {
            Throwable e = awaitIt(all(new Event().await(LIMIT), sleep(Duration.ofHours(1))));
            assertThat(e).isInstanceOf(asyncio.ExceptionGroup.class);
            assertThat(e.getStackTrace())
                    .anyMatch(frame -> frame.getMethodName().equals("awaitIt"));
        });
    }
}
