package asyncio.testkit;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import asyncio.ExceptionGroup;
import asyncio.Future;
import asyncio.Task;
import asyncio.TaskGroup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import reactor.core.publisher.Mono;

/** Tests as bodies: their allowed forms, and their reports. */
@Timeout(120)
class AsyncioTestTest {
    static final class First {
        @AsyncioTest
        void anHourPassesAtOnce(TestClock clock) throws Exception {
            await(sleep(Duration.ofHours(1)));
            assertThat(clock.now()).isEqualTo(Duration.ofHours(1));
        }
    }

    @Test
    void aTestIsABody() {
        Jupiter.run(First.class)
                .testEvents()
                .assertStatistics(tests -> tests.started(1).succeeded(1));
    }

    @ExtendWith(AsyncioExtension.class)
    static class Extended {
        static final List<String> SEEN = new ArrayList<>();
        Future<String> started = new Future<>();

        @BeforeEach
        void start(EventLoop loop) throws Exception {
            started = loop.createFuture();
            createTask(async(() -> {
                await(sleep(Duration.ofMinutes(1)));
                started.setResult("started");
            }));
        }

        @Test
        void plain(TestClock clock, EventLoop loop) throws Exception {
            assertThat(EventLoop.getRunningLoop()).isSameAs(loop);
            SEEN.add(await(started) + " after " + clock.now());
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 2})
        void parameterized(int hours, TestClock clock) throws Exception {
            await(sleep(Duration.ofHours(hours)));
            SEEN.add(await(started) + " before " + clock.now());
        }

        @RepeatedTest(2)
        void repeated(TaskGroup group) throws Exception {
            group.createTask(async(() -> {
                await(sleep(Duration.ofDays(1).minusHours(1)));
                SEEN.add("the group waits for its tasks");
            }));
        }

        @Nested
        class Inner {
            @AsyncioTest
            void nested() throws Exception {
                SEEN.add(await(started));
            }
        }

        @AfterEach
        void stop(TestClock clock) throws Exception {
            await(started);
            await(sleep(Duration.ofSeconds(1)));
            SEEN.add("stopped at " + clock.now());
        }
    }

    @Test
    void soAreSetUpAndTearDownAndTestsOfOtherKinds() {
        Extended.SEEN.clear();
        Jupiter.run(Extended.class)
                .testEvents()
                .assertStatistics(tests -> tests.started(6).succeeded(6));
        assertThat(Extended.SEEN)
                .contains(
                        "started after PT1M",
                        "stopped at PT1M1S",
                        "started before PT1H",
                        "started before PT2H",
                        "stopped at PT2H1S",
                        "the group waits for its tasks",
                        "started");
    }

    static class Groups {
        @AsyncioTest
        void childFails(TaskGroup group) throws Exception {
            group.createTask(async(() -> {
                await(sleep(Duration.ofSeconds(1)));
                throw new IllegalStateException("child");
            }));
            await(sleep(Duration.ofHours(1))); // is cancelled
        }

        @AsyncioTest
        void bodyFails(TaskGroup group) throws Exception {
            group.createTask(sleep(Duration.ofHours(1))); // is cancelled
            await(sleep(Duration.ofSeconds(1)));
            throw new IllegalStateException("body");
        }

        @AsyncioTest
        void assertionFails(TaskGroup group) throws Exception {
            group.createTask(sleep(Duration.ofHours(1))); // is cancelled
            await(sleep(Duration.ofSeconds(1)));
            throw new AssertionError("assertion");
        }

        @AsyncioTest
        void groupIsForgotten(TaskGroup group) throws Exception {
            group.createTask(new Future<Void>().then(), "forgotten");
        }
    }

    @Test
    void aChildThatFailsCancelsTheTest() {
        assertThat(Jupiter.failureOf(Groups.class, "childFails(asyncio.TaskGroup)"))
                .isInstanceOfSatisfying(
                        ExceptionGroup.class,
                        group -> assertThat(group.exceptions())
                                .singleElement()
                                .isInstanceOf(IllegalStateException.class)
                                .extracting(Throwable::getMessage)
                                .isEqualTo("child"));
    }

    @Test
    void aTestFailsWithItsOwnExceptionAlsoInAGroup() {
        Throwable failure = Jupiter.failureOf(Groups.class, "bodyFails(asyncio.TaskGroup)");
        assertThat(failure).isInstanceOf(IllegalStateException.class).hasMessage("body");
        assertThat(failure.getSuppressed()).noneMatch(LeakError.class::isInstance);
        failure = Jupiter.failureOf(Groups.class, "assertionFails(asyncio.TaskGroup)");
        assertThat(failure).isInstanceOf(AssertionError.class).hasMessage("assertion");
        assertThat(failure.getSuppressed()).noneMatch(LeakError.class::isInstance);
    }

    @Test
    void aGroupThatNeverEndsIsADeadlock() {
        assertThat(Jupiter.failureOf(Groups.class, "groupIsForgotten(asyncio.TaskGroup)"))
                .isInstanceOf(DeadlockError.class)
                .hasMessageContaining("- group of the test waits for <TaskGroup")
                .hasMessageContaining("  - forgotten waits for ");
    }

    static class Stuck {
        @AsyncioTest
        void deadlock() throws Exception {
            Task<Void> producer = createTask(async(() -> await(new Future<Void>())), "producer");
            await(producer);
        }

        @AsyncioTest
        @TimeLimit(virtual = "90m")
        void virtualLimit() throws Exception {
            await(sleep(Duration.ofHours(1)));
            await(sleep(Duration.ofHours(1)));
        }

        @AsyncioTest
        @TimeLimit(real = "PT0.2S")
        void realLimit() throws Exception {
            new CountDownLatch(1).await();
        }

        @AsyncioTest
        @TimeLimit(real = "soon")
        void noDuration() throws Exception {}

        @AsyncioTest
        @Timeout(value = 200, unit = TimeUnit.MILLISECONDS)
        void timeoutOfJUnit() throws Exception {
            new CountDownLatch(1).await();
        }
    }

    @Test
    void aTestThatHangsShowsItsTasks() {
        assertThat(Jupiter.failureOf(Stuck.class, "deadlock()"))
                .isInstanceOf(DeadlockError.class)
                .hasMessageStartingWith("Deadlock in Stuck.deadlock() at virtual time PT0S: nothing is ready")
                .hasMessageContaining("- Stuck.deadlock() waits for producer")
                .hasMessageContaining("\n  - producer waits for <Future pending created at AsyncioTestTest.java:")
                .hasNoSuppressedExceptions();
        assertThat(Jupiter.failureOf(Stuck.class, "virtualLimit()"))
                .isInstanceOf(TimeLimitError.class)
                .hasMessageContaining("PT1H30M")
                .hasMessageContaining("- Stuck.virtualLimit() waits for sleep(PT1H)");
        assertThat(Jupiter.failureOf(Stuck.class, "realLimit()"))
                .isInstanceOf(TimeLimitError.class)
                .hasMessageContaining("PT0.2S")
                .hasMessageContaining("AsyncioTestTest.java:");
        assertThat(Jupiter.failureOf(Stuck.class, "noDuration()")).hasMessageContaining("soon");
    }

    @Test
    void soDoesOneThatJUnitEnds() {
        Throwable failure = Jupiter.failureOf(Stuck.class, "timeoutOfJUnit()");
        assertThat(failure).isInstanceOf(java.util.concurrent.TimeoutException.class);
        assertThat(failure.getSuppressed())
                .anySatisfy(report -> assertThat(report)
                        .isInstanceOf(AssertionError.class)
                        .hasMessageContaining("- Stuck.timeoutOfJUnit() is ready or running"));
    }

    static class Mixed {
        @AsyncioTest
        @Schedules(n = 2)
        void twice() {}

        @AsyncioTest
        void aborted() throws Exception {
            Assumptions.abort("not today");
        }

        @AsyncioTest
        Mono<Void> returnsAMono() {
            return Mono.empty();
        }
    }

    @Test
    void anAbortedTestIsAborted() {
        Jupiter.run(Mixed.class, "aborted()")
                .testEvents()
                .assertStatistics(tests -> tests.aborted(1).failed(0));
    }

    @Test
    void jupiterKnowsNoTestThatReturnsAMono() {
        EngineExecutionResults results = Jupiter.run(Mixed.class);
        assertThat(results.testEvents().started().list())
                .noneMatch(event -> event.getTestDescriptor().getDisplayName().contains("returnsAMono"));
    }

    @Test
    void schedulesStandInPlaceOfAsyncioTest() {
        assertThat(Jupiter.run(Mixed.class).testEvents().failed().list())
                .singleElement()
                .satisfies(event -> assertThat(event.toString()).contains("remove @Test or @AsyncioTest"));
    }

    @ExtendWith(AsyncioExtension.class)
    @Execution(ExecutionMode.CONCURRENT)
    static class Parallel {
        static final AtomicInteger HOURS = new AtomicInteger();
        static final CountDownLatch TOGETHER = new CountDownLatch(2);

        @RepeatedTest(100)
        void eachHasItsTime(TestClock clock) throws Exception {
            TOGETHER.countDown();
            TOGETHER.await(); // there is another one now
            Duration time = Duration.ofMinutes(HOURS.incrementAndGet());
            await(sleep(time));
            assertThat(clock.now()).isEqualTo(time);
        }
    }

    @Test
    void aHundredTestsInParallel() {
        EngineTestKit.engine("junit-jupiter")
                .selectors(DiscoverySelectors.selectClass(Parallel.class))
                .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
                .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
                .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "20")
                .execute()
                .testEvents()
                .assertStatistics(tests -> tests.started(100).succeeded(100));
    }
}
