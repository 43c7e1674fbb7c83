package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.Future;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.testkit.engine.EngineTestKit;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Faulty tests: their outcome, and that of the tests after them. */
@Timeout(120)
class MisuseTest {
    @ExtendWith(AsyncioExtension.class)
    static class SetUpFails {
        static volatile boolean tornDown;

        @BeforeEach
        void setUp() throws Exception {
            createTask(sleep(Duration.ofHours(1)), "set up");
            await(sleep(Duration.ofSeconds(1)));
            throw new IllegalStateException("set-up");
        }

        @Test
        void neverRuns() {
            throw new AssertionError("must not run");
        }

        @AfterEach
        void tearDown() throws Exception {
            await(sleep(Duration.ofSeconds(1)));
            tornDown = true;
        }
    }

    @Test
    void aSetUpThatFailsIsTornDownAndItsLeaksAreBelow() {
        Throwable failure = Jupiter.failureOf(SetUpFails.class, "neverRuns()");
        assertThat(failure).isInstanceOf(IllegalStateException.class).hasMessage("set-up");
        assertThat(SetUpFails.tornDown).isTrue();
        assertThat(failure.getSuppressed())
                .singleElement()
                .satisfies(
                        leak -> assertThat(leak).isInstanceOf(LeakError.class).hasMessageContaining("- set up waits"));
    }

    static class Groups {
        @AsyncioTest
        void assertionInAChild(TaskGroup group) throws Exception {
            group.createTask(async(() -> {
                await(sleep(Duration.ofSeconds(1)));
                throw new AssertionError("of a child");
            }));
            group.createTask(sleep(Duration.ofHours(1)));
            await(sleep(Duration.ofHours(2)));
        }

        @AsyncioTest
        void assertionInAChildAfterTheBody(TaskGroup group) throws Exception {
            group.createTask(async(() -> {
                await(sleep(Duration.ofSeconds(1)));
                throw new AssertionError("of a child");
            }));
        }
    }

    @Test
    void anAssertionThatFailsInAChildIsWhatTheTestFailsWith() {
        for (String method : new String[] {"assertionInAChild", "assertionInAChildAfterTheBody"}) {
            Throwable failure = Jupiter.failureOf(Groups.class, method + "(asyncio.TaskGroup)");
            assertThat(failure).isInstanceOf(AssertionError.class).hasMessage("of a child");
            assertThat(failure.getSuppressed()).noneMatch(LeakError.class::isInstance);
        }
    }

    static class Deaf {
        static volatile boolean stop;

        @AsyncioTest
        @TimeLimit(real = "0.3s")
        void toInterrupts() {
            while (!stop) {
                LockSupport.parkNanos(1_000_000);
                Thread.interrupted();
            }
        }

        @AsyncioTest
        void next(TestClock clock) throws Exception {
            await(sleep(Duration.ofHours(1)));
            assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
        }
    }

    @Test
    void aBodyThatCannotBeStoppedIsReportedAndStopsNobodyElse() {
        try {
            assertThat(Jupiter.failureOf(Jupiter.run(Deaf.class)))
                    .isInstanceOf(TimeLimitError.class)
                    .hasMessageContaining("MisuseTest.java:")
                    .hasNoSuppressedExceptions();
        } finally {
            Deaf.stop = true;
        }
    }

    static class Elsewhere {
        @AsyncioTest
        void monoOfReactorsThreads(TestClock clock) throws Exception {
            assertThat(await(Mono.delay(Duration.ofMillis(50), Schedulers.parallel())))
                    .isZero();
            assertThat(await(Mono.fromCallable(() -> 2).subscribeOn(Schedulers.boundedElastic())))
                    .isEqualTo(2);
            assertThat(clock.now()).isZero();
        }

        @AsyncioTest
        void withATimeLimit(TestClock clock) throws Exception {
            Mono<Long> work = Mono.delay(Duration.ofMillis(50), Schedulers.parallel());
            assertThat(await(waitFor(clock.hold(work), Duration.ofSeconds(1)))).isZero();
            assertThat(clock.now()).isZero();
            try {
                await(waitFor(work, Duration.ofSeconds(1)));
                throw new AssertionError("nobody held the time");
            } catch (TimeoutException e) {
                assertThat(clock.now()).isEqualTo(Duration.ofSeconds(1));
            }
            await(sleep(Duration.ofSeconds(1))); // no longer held
        }

        @AsyncioTest
        void unknownThread() throws Exception {
            Future<String> answer = new Future<>();
            Thread thread = new Thread(() -> {
                LockSupport.parkNanos(Duration.ofMillis(500).toNanos());
                answer.trySetResult("late");
            });
            thread.setDaemon(true);
            thread.start();
            await(answer);
        }

        @AsyncioTest
        void poolOfItsOwn() throws Exception {
            await(Mono.fromRunnable(() -> {}).subscribeOn(Schedulers.newSingle("own", true)));
        }
    }

    @Test
    void threadsOfOthersAreWaitedForAsFarAsTheyAreKnown() {
        assertThat(Jupiter.failureOf(Jupiter.run(Elsewhere.class)))
                .isInstanceOf(DeadlockError.class)
                .hasMessageContaining("Elsewhere.unknownThread()")
                .hasMessageContaining("A thread of yours that has yet to act must hold the time (TestClock.hold())");
    }

    @ExtendWith(AsyncioExtension.class)
    static class Dynamic {
        @BeforeEach
        void setUp(TestClock clock) throws Exception {
            await(sleep(Duration.ofHours(1)));
            assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
        }

        @TestFactory
        Stream<DynamicTest> plain() {
            return Stream.of(1, 2)
                    .map(n -> DynamicTest.dynamicTest("number " + n, () -> {
                        assertThat(EventLoop.getRunningLoop()).isNull();
                    }));
        }
    }

    @Test
    void dynamicTestsAreNoBodies() {
        assertThat(Jupiter.run(Dynamic.class).testEvents().failed().list())
                .hasSize(2)
                .allSatisfy(event -> assertThat(event.toString()).contains("IllegalStateException"));
    }

    @Execution(ExecutionMode.CONCURRENT)
    static class ParallelFailures {
        static final CountDownLatch TOGETHER = new CountDownLatch(8);

        private static void together() throws Exception {
            TOGETHER.countDown();
            TOGETHER.await();
        }

        @RepeatedTest(20)
        @ExtendWith(AsyncioExtension.class)
        void leak() throws Exception {
            together();
            createTask(sleep(Duration.ofHours(1)), "forgotten");
        }

        @RepeatedTest(20)
        @ExtendWith(AsyncioExtension.class)
        void deadlock() throws Exception {
            together();
            await(new Future<Void>());
        }

        @Nested
        @ExtendWith(AsyncioExtension.class)
        class Good {
            @RepeatedTest(30)
            void passes(TestClock clock) throws Exception {
                together();
                await(sleep(Duration.ofHours(1)));
                assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
            }
        }

        @Schedules(n = 30)
        void schedules() throws Exception {
            await(sleep(Duration.ofHours(1)));
        }
    }

    @Test
    void failuresInParallelStayWithTheirTests() {
        EngineTestKit.engine("junit-jupiter")
                .selectors(DiscoverySelectors.selectClass(ParallelFailures.class))
                .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
                .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
                .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "20")
                .execute()
                .testEvents()
                .assertStatistics(tests -> tests.started(100).succeeded(60).failed(40));
    }
}
