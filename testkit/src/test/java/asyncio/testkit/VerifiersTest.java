package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.ContextVar;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.VirtualTime;
import asyncio.queue.Queue;
import asyncio.sync.Barrier;
import asyncio.sync.Condition;
import asyncio.sync.Event;
import asyncio.sync.Lock;
import asyncio.sync.ReadWriteLock;
import asyncio.sync.Semaphore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VerifiersTest {
    private static final Duration SECOND = Duration.ofSeconds(1);

    private static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    /** Checks that the assertion fails, with these words in its message. */
    private static void refuses(ThrowingCallable assertion, String... words) {
        assertThatThrownBy(assertion).isInstanceOf(AssertionError.class).hasMessageContainingAll(words);
    }

    private interface OnLoop {
        void run(EventLoop loop) throws Exception;
    }

    private static void onLoop(OnLoop test) throws Exception {
        EventLoop loop = VirtualTime.newLoop();
        try {
            test.run(loop);
        } finally {
            loop.close();
        }
    }

    // ---- publishers

    @Test
    void aPublisherTakesItsStepsInVirtualTime() throws Exception {
        onLoop(loop -> {
            Duration taken = Verifiers.withLoop(
                            loop,
                            () -> Flux.interval(SECOND, loop.scheduler())
                                    .take(5)
                                    .concatWithValues(100L))
                    .expectNoEvent(SECOND)
                    .expectNext(0L)
                    .thenAwait(SECOND.multipliedBy(2))
                    .expectNext(1L, 2L)
                    .thenAwait(SECOND.multipliedBy(2))
                    .expectNextCount(2)
                    .assertNext(last -> assertThat(last).isEqualTo(100))
                    .verifyComplete();
            assertThat(taken).isEqualTo(SECOND.multipliedBy(5));
        });
    }

    @Test
    void itMayBeVerifiedInABodyOfTheLoopToo() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Verifiers.withLoop(loop, () -> sleep(SECOND, "awake"))
                    .expectNoEvent(SECOND)
                    .expectNext("awake")
                    .verifyComplete();
            Verifiers.withLoop(
                            loop,
                            () -> async(() -> {
                                await(sleep(SECOND));
                                throw new IllegalStateException("planted");
                            }))
                    .thenAwait(SECOND)
                    .verifyErrorMessage("planted");
        });
    }

    @Test
    void aPublisherSeesTheContextOfTheBodyThatVerifies() throws Exception {
        VirtualTime.run(() -> {
            ContextVar<String> user = ContextVar.of("user", "nobody");
            user.set("ada");
            Verifiers.withLoop(
                            EventLoop.getRunningLoop(),
                            () -> Mono.deferContextual(context -> Mono.just(user.get(context))))
                    .expectNext("ada")
                    .verifyComplete();
        });
    }

    @Test
    void demandAndCancellationAreSteps() throws Exception {
        onLoop(loop -> {
            List<String> log = new ArrayList<>();
            Verifiers.withLoop(
                            loop,
                            () -> Flux.range(1, 10)
                                    .doOnRequest(n -> log.add("request " + n))
                                    .doOnCancel(() -> log.add("cancel")),
                            0)
                    .expectNoEvent(SECOND)
                    .thenRequest(2)
                    .expectNext(1, 2)
                    .expectNoEvent(SECOND)
                    .then(() -> log.add("then"))
                    .thenCancel()
                    .verify();
            assertThat(log).containsExactly("request 2", "then", "cancel");
        });
    }

    @Test
    void workInThreadsIsWaitedFor() throws Exception {
        onLoop(loop -> {
            CountDownLatch gate = new CountDownLatch(1);
            Verifiers.withLoop(
                            loop,
                            () -> toThread(() -> {
                                gate.await();
                                return "done";
                            }))
                    .then(gate::countDown)
                    .expectNext("done")
                    .verifyComplete();
        });
    }

    @Test
    void whatIsNotMetIsShownWithWhatCameAndTheTasks() throws Exception {
        onLoop(loop -> {
            Task<?> forgotten = loop.createTask(sleep(Duration.ofDays(1)), "forgotten");
            refuses(
                    () -> Verifiers.withLoop(loop, () -> Mono.just("y"))
                            .expectNext("x")
                            .verifyComplete(),
                    "expectation \"expectNext(x)\" failed: expected value: x",
                    "onNext(y) at PT0S",
                    "forgotten");
            refuses(
                    () -> Verifiers.withLoop(loop, () -> sleep(SECOND, "late"))
                            .expectNext("late")
                            .verifyComplete(),
                    "expectNext(late)",
                    "no signal arrived",
                    "no events");
            refuses(
                    () -> Verifiers.withLoop(loop, () -> sleep(SECOND, "early"))
                            .expectNoEvent(SECOND.multipliedBy(2))
                            .expectNext("early")
                            .verifyComplete(),
                    "expectNoEvent(PT2S)",
                    "onNext(early) at PT1S");
            refuses(
                    () -> Verifiers.withLoop(loop, () -> Flux.just(1, 2))
                            .expectNext(1)
                            .verifyComplete(),
                    "expectComplete",
                    "onNext(2)");
            refuses(
                    () -> Verifiers.withLoop(loop, () -> Mono.error(new IllegalStateException("other")))
                            .verifyErrorMessage("planted"),
                    "planted",
                    "other");
            refuses(
                    () -> Verifiers.withLoop(loop, () -> Mono.error(new IllegalStateException("x")))
                            .verifyError(IllegalArgumentException.class),
                    "IllegalArgumentException",
                    "onError");
            assertThat(forgotten.done()).isFalse();
        });
    }

    @Test
    void aScriptWithoutAnEndOrOnARealClockIsRefused() throws Exception {
        onLoop(loop -> {
            assertThatThrownBy(() -> Verifiers.withLoop(loop, () -> Mono.just(1))
                            .expectNext(1)
                            .verify())
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> Verifiers.withLoop(loop, Mono::empty)
                            .expectComplete()
                            .thenAwait(SECOND))
                    .isInstanceOf(IllegalStateException.class);
        });
        EventLoop real = EventLoop.newEventLoop();
        assertThatThrownBy(() -> Verifiers.withLoop(real, Mono::empty)).isInstanceOf(IllegalArgumentException.class);
        real.close();
    }

    // ---- tasks and waiters

    @Test
    void statesOfTasks() throws Exception {
        VirtualTime.run(() -> {
            Future<String> gate = new Future<>();
            Task<String> task = createTask(async(() -> await(gate)));
            refuses(() -> Verifiers.expectSuspended(task), "suspended", "Task-", "tasks");
            tick();
            Verifiers.expectSuspended(task);
            Verifiers.expectSuspendedOn(task, gate);
            refuses(() -> Verifiers.expectSuspendedOn(task, task), "waits for <Task", "wait_for=<Future pending");
            refuses(() -> Verifiers.expectDone(task, "x"), "the result x", "pending");
            gate.setResult("x");
            await(task);
            Verifiers.expectDone(task, "x");
            refuses(() -> Verifiers.expectDone(task, "y"), "the result y", "result=x");
            refuses(() -> Verifiers.expectSuspended(task), "finished");
            refuses(() -> Verifiers.expectCancelled(task), "cancellation", "finished");

            Task<?> failing = createTask(async(() -> {
                throw new IllegalStateException("planted");
            }));
            tick();
            refuses(() -> Verifiers.expectDone(failing, null), "planted");
            refuses(() -> Verifiers.expectFailed(failing, IllegalArgumentException.class), "planted");
            Verifiers.expectFailed(failing, IllegalStateException.class);

            Task<?> cancelled = createTask(sleep(SECOND));
            tick();
            cancelled.cancel("enough");
            tick();
            tick();
            Verifiers.expectCancelled(cancelled);
            Verifiers.expectCancelled(cancelled, "enough");
            refuses(() -> Verifiers.expectCancelled(cancelled, "more"), "more", "enough");
            refuses(() -> Verifiers.expectDone(cancelled, null), "cancelled");
            refuses(() -> Verifiers.expectFailed(cancelled, Exception.class), "cancelled");
        });
    }

    @Test
    void waiters() throws Exception {
        VirtualTime.run(() -> {
            Lock lock = new Lock();
            Semaphore semaphore = new Semaphore(0);
            Event event = new Event();
            Barrier barrier = new Barrier(3);
            Queue<String> queue = Queue.unbounded();
            Condition condition = new Condition();
            ReadWriteLock both = new ReadWriteLock();
            await(lock.acquire());
            await(both.writeLock().acquire());
            Verifiers.expectWaiters(lock, 0);
            List<Task<?>> tasks = List.of(
                    createTask(lock.acquire()),
                    createTask(lock.acquire()),
                    createTask(semaphore.acquire()),
                    createTask(event.await()),
                    createTask(barrier.await()),
                    createTask(queue.get()),
                    createTask(async(() -> {
                        await(condition.acquire());
                        await(condition.await());
                    })),
                    createTask(both.readLock().acquire()));
            tick();
            tick();
            Verifiers.expectWaiters(lock, 2);
            Verifiers.expectWaiters(semaphore, 1);
            Verifiers.expectWaiters(event, 1);
            Verifiers.expectWaiters(barrier, 1);
            Verifiers.expectWaiters(queue, 1);
            Verifiers.expectWaiters(condition, 1);
            Verifiers.expectWaiters(both.readLock(), 1);
            refuses(() -> Verifiers.expectWaiters(lock, 1), "expected 1", "there are 2", "waiters:2", "Task-");
            refuses(() -> Verifiers.expectWaiters(queue, 0), "expected 0", "there are 1");
            tasks.forEach(Task::cancel);
            tick();
            tick();
            Verifiers.expectWaiters(lock, 0);
            Verifiers.expectWaiters(queue, 0);
        });
    }

    // ---- the order of things

    /** Cleans up, in the wrong order if {@code bug} is set. */
    private static void serve(Trail trail, boolean bug) throws Exception {
        try {
            await(sleep(Duration.ofHours(1)));
        } finally {
            trail.mark(bug ? "closed" : "flushed");
            trail.mark(bug ? "flushed" : "closed");
        }
    }

    @Test
    void aCleanUpInTheWrongOrderIsCaughtByATrail() throws Exception {
        VirtualTime.run(() -> {
            for (boolean bug : new boolean[] {false, true}) {
                Trail trail = new Trail();
                Task<?> task = createTask(async(() -> serve(trail, bug)));
                await(sleep(SECOND));
                task.cancel();
                await(task.cancelAndJoin());
                trail.mark("joined");
                if (bug) {
                    refuses(
                            () -> trail.expect("flushed", "closed", "joined"),
                            "[flushed, closed, joined]",
                            "closed at PT1S in " + task.getName(),
                            "task");
                    refuses(() -> trail.expectBefore("flushed", "closed"), "flushed before closed");
                } else {
                    trail.expect("flushed", "closed", "joined");
                    trail.expectBefore("flushed", "closed");
                    trail.expectAt(SECOND, "joined");
                    refuses(() -> trail.expectAt(SECOND.multipliedBy(2), "joined"), "at PT2S", "joined at PT1S");
                    refuses(() -> trail.expectBefore("flushed", "nothing"), "nothing");
                }
            }
        });
    }
}
