package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Leftover;
import asyncio.Task;
import asyncio.sync.Lock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@Timeout(60)
class VirtualTimeLoopTest {
    @Test
    void eighteenThousandSecondsInStepsOfOne() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            int beats = time.run(() -> {
                int count = 0;
                while (time.clock().now().compareTo(Duration.ofSeconds(18_000)) < 0) {
                    await(sleep(Duration.ofSeconds(1)));
                    count++;
                }
                return count;
            });
            assertThat(beats).isEqualTo(18_000);
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(18_000));
        }
    }

    @Test
    void operatorsOnItsSchedulerHaveItsTime() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            Long last = time.run(Flux.interval(Duration.ofMinutes(1), time.scheduler())
                    .take(60)
                    .delayElements(Duration.ofMillis(1), time.scheduler())
                    .last());
            assertThat(last).isEqualTo(59);
            assertThat(time.clock().now()).isEqualTo(Duration.ofHours(1).plusMillis(1));
        }
    }

    @Test
    void aHundredInParallelHaveTimesOfTheirOwn() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(100);
        try {
            List<Callable<Duration>> tests = new ArrayList<>();
            CountDownLatch together = new CountDownLatch(100);
            for (int i = 1; i <= 100; i++) {
                int hours = i;
                tests.add(() -> {
                    try (VirtualTimeLoop time = VirtualTimeLoop.builder()
                            .virtualLimit(Duration.ofDays(10))
                            .build()) {
                        together.countDown();
                        together.await();
                        time.run(() -> {
                            await(gather(sleep(Duration.ofHours(hours)), sleep(Duration.ofHours(hours * 2))));
                        });
                        return time.clock().now();
                    }
                });
            }
            int hours = 0;
            for (var passed : threads.invokeAll(tests)) {
                hours += 2;
                assertThat(passed.get()).isEqualTo(Duration.ofHours(hours));
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void timeWaitsForOtherThreadsThatWorkForTheLoop() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            CountDownLatch slow = new CountDownLatch(1);
            time.run(() -> {
                Task<Void> timer = createTask(sleep(Duration.ofHours(1)));
                new Thread(slow::countDown).start();
                assertThat(await(waitFor(toThread(() -> slow.await(10, TimeUnit.SECONDS)), Duration.ofSeconds(1))))
                        .isTrue();
                assertThat(time.clock().now()).isZero();
                await(timer);
            });
        }
    }

    @Test
    void aThreadOfOnesOwnHoldsIt() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            time.run(() -> {
                Future<String> reply = EventLoop.getRunningLoop().createFuture();
                Disposable hold = time.clock().hold();
                Thread thread = new Thread(() -> {
                    reply.setResult("done");
                    hold.dispose();
                    hold.dispose(); // only counts once
                });
                thread.start();
                assertThat(await(waitFor(reply, Duration.ofSeconds(1)))).isEqualTo("done");
                thread.join();
                assertThat(time.clock().now()).isZero();
            });
            assertThat(time.clock().now()).isZero();
        }
    }

    @Test
    void noDeadlockIsSeenBetweenAResultAndTheEndOfItsHold() throws Exception {
        ExecutorService threads = Executors.newSingleThreadExecutor();
        try (VirtualTimeLoop time =
                VirtualTimeLoop.builder().ignoreLeaks(Leftover.Kind.THREAD).build()) {
            time.run(() -> {
                for (int i = 0; i < 3_000; i++) {
                    Future<Integer> reply = EventLoop.getRunningLoop().createFuture();
                    Disposable hold = time.clock().hold();
                    int number = i;
                    threads.execute(() -> {
                        reply.setResult(number);
                        hold.dispose();
                    });
                    assertThat(await(reply)).isEqualTo(number);
                }
            });
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void advancingShowsWhatIsBetweenTimers() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            time.run(() -> {
                List<Integer> seen = new ArrayList<>();
                Task<Void> ticking = createTask(async(() -> {
                    for (int i = 1; i <= 3; i++) {
                        await(sleep(Duration.ofSeconds(1)));
                        seen.add(i);
                    }
                }));
                await(time.clock().advance(Duration.ofMillis(1999)));
                assertThat(seen).containsExactly(1);
                await(time.clock().advance(Duration.ofMillis(1)));
                assertThat(seen).containsExactly(1, 2);
                await(ticking);
            });
        }
    }

    @Test
    void settlingLetsWhatIsReadyHappen() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            time.run(() -> {
                Lock lock = new Lock();
                List<Integer> in = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    int number = i;
                    createTask(lock.withLock(async(() -> {
                        await(sleep(Duration.ZERO));
                        in.add(number);
                    })));
                }
                await(time.clock().settle());
                assertThat(in).containsExactly(0, 1, 2, 3, 4);
                assertThat(time.clock().now()).isZero();
            });
        }
    }

    @Test
    void plainCodeMovesTimeFromOutside() {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            List<Long> seen = new ArrayList<>();
            Disposable interval =
                    Flux.interval(Duration.ofSeconds(10), time.scheduler()).subscribe(seen::add);
            time.advance(Duration.ofSeconds(25));
            assertThat(seen).containsExactly(0L, 1L);
            assertThat(time.clock().now()).isEqualTo(Duration.ofSeconds(25));
            time.advance(Duration.ofSeconds(5));
            assertThat(seen).containsExactly(0L, 1L, 2L);
            interval.dispose();
            StepVerifier verifier = StepVerifier.create(Mono.delay(Duration.ofHours(1), time.scheduler()))
                    .expectNext(0L)
                    .expectComplete()
                    .verifyLater();
            time.runUntilIdle();
            verifier.verify(Duration.ofSeconds(10));
            assertThat(time.clock().now()).isEqualTo(Duration.ofHours(1).plusSeconds(30));
        }
    }

    @Test
    void aLostWakeUpIsADeadlockAtOnce() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            DeadlockError error = catchThrowableOfType(
                    DeadlockError.class,
                    () -> time.run(() -> {
                        Future<Void> wakeUp = EventLoop.getRunningLoop().createFuture();
                        Task<Void> consumer = createTask(async(() -> await(wakeUp)), "consumer");
                        await(sleep(Duration.ofSeconds(5)));
                        await(consumer); // the producer has forgotten wakeUp.setResult(null)
                    }));
            assertThat(error)
                    .hasMessageContaining("at virtual time PT5S")
                    .hasMessageContaining("- the test waits for consumer")
                    .hasMessageContaining("\n  - consumer waits for <Future pending")
                    .hasMessageContaining("VirtualTimeLoopTest.java:");
        }
    }

    @Test
    void twoThatWaitForEachOtherAreADeadlock() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            assertThatThrownBy(() -> time.run(() -> {
                        Lock a = new Lock();
                        Lock b = new Lock();
                        await(gather(inBoth(a, b), inBoth(b, a)));
                    }))
                    .isInstanceOf(DeadlockError.class)
                    .hasMessageContaining("no socket is open")
                    .hasMessageContaining("acquire() of <Lock [locked, waiters:1]>");
        }
    }

    private static Mono<Void> inBoth(Lock first, Lock second) {
        return async(() -> {
            try (var outer = await(first.acquire())) {
                await(sleep(Duration.ofSeconds(1)));
                try (var inner = await(second.acquire())) {
                    assertThat(outer).isNotEqualTo(inner);
                }
            }
        });
    }

    @Test
    void whatOtherLibrariesWillCompleteIsNoDeadlock() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            assertThat(time.run(Mono.delay(Duration.ofMillis(20)))).isZero(); // on one of Reactor's threads
            assertThat(time.clock().now()).isZero();
        }
    }

    @Test
    void timerAfterTimerEndsAtTheVirtualLimit() throws Exception {
        try (VirtualTimeLoop time =
                VirtualTimeLoop.builder().virtualLimit(Duration.ofHours(1)).build()) {
            assertThatThrownBy(() -> time.run(() -> {
                        Task<?> heartbeat = createTask(
                                Flux.interval(Duration.ofMinutes(1), time.scheduler())
                                        .then(),
                                "heartbeat");
                        await(heartbeat);
                    }))
                    .isInstanceOf(TimeLimitError.class)
                    .hasMessageContaining("PT1H")
                    .hasMessageContaining("- the test waits for heartbeat");
            assertThat(time.clock().now()).isEqualTo(Duration.ofHours(1));
        }
    }

    @Test
    void aBodyThatBlocksEndsAtTheRealLimit() throws Exception {
        AtomicReference<Throwable> blocked = new AtomicReference<>();
        VirtualTimeLoop time =
                VirtualTimeLoop.builder().realLimit(Duration.ofMillis(300)).build();
        assertThatThrownBy(() -> time.run(() -> {
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        blocked.set(e);
                        throw e;
                    }
                }))
                .isInstanceOf(TimeLimitError.class)
                .hasMessageContaining("- the test is ready or running")
                .hasMessageContaining("VirtualTimeLoopTest.java:");
        time.close();
        assertThat(blocked.get()).isInstanceOf(InterruptedException.class);
    }

    @Test
    void sameSeedSameSchedule() throws Exception {
        List<Integer> unseeded = order(VirtualTimeLoop.builder());
        assertThat(unseeded).isSorted();
        List<Integer> once = order(VirtualTimeLoop.builder().seed(3));
        assertThat(order(VirtualTimeLoop.builder().seed(3))).isEqualTo(once);
        assertThat(order(VirtualTimeLoop.builder().seed(4))).isNotEqualTo(once);
        assertThat(once).isNotEqualTo(unseeded).containsExactlyInAnyOrderElementsOf(unseeded);
    }

    private static List<Integer> order(VirtualTimeLoop.Builder builder) throws Exception {
        List<Integer> order = new ArrayList<>();
        try (VirtualTimeLoop time = builder.build()) {
            time.run(() -> {
                List<Task<Void>> tasks = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    int number = i;
                    tasks.add(createTask(async(() -> {
                        await(sleep(Duration.ofSeconds(1)));
                        order.add(number);
                    })));
                }
                for (Task<Void> task : tasks) {
                    await(task);
                }
            });
        }
        return order;
    }

    @Test
    void neitherBlocksNorClosesARunningLoop() throws Exception {
        try (VirtualTimeLoop time = VirtualTimeLoop.create()) {
            time.run(() -> {
                assertThatThrownBy(() -> time.run(Mono.just(1))).isInstanceOf(IllegalStateException.class);
                assertThatThrownBy(time::close).isInstanceOf(IllegalStateException.class);
            });
        }
    }

    @Test
    void itsThreadsEndWithIt() throws Exception {
        List<Thread> own = new ArrayList<>();
        try (VirtualTimeLoop time = VirtualTimeLoop.builder().name("mayfly").build()) {
            time.run(() -> {
                await(gather(
                        sleep(Duration.ofHours(1)), toThread(() -> 1), async(() -> await(sleep(Duration.ofHours(1))))));
                String loop = EventLoop.getRunningLoop().toString().split(" ")[1];
                for (Thread thread : Thread.getAllStackTraces().keySet()) {
                    if (thread.getName().startsWith(loop + "-")
                            || thread.getName().endsWith("mayfly")) {
                        own.add(thread);
                    }
                }
            });
        }
        assertThat(own).hasSizeGreaterThanOrEqualTo(2); // the thread that runs it, and one of the executor
        for (Thread thread : own) {
            thread.join(10_000);
            assertThat(thread.isAlive()).as(thread.getName()).isFalse();
        }
    }

    @Test
    void anInterruptedTestIsClosedAllTheSame() {
        VirtualTimeLoop time = VirtualTimeLoop.create();
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() ->
                            time.run(() -> await(EventLoop.getRunningLoop().<Void>createFuture())))
                    .isInstanceOf(AssertionError.class);
            time.close();
            assertThat(Thread.currentThread().isInterrupted()).isTrue();
            assertThat(time.loop().isClosed()).isTrue();
        } finally {
            Thread.interrupted();
        }
    }
}
