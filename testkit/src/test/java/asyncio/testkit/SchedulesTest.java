package asyncio.testkit;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Task;
import asyncio.sync.Event;
import asyncio.sync.Lock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import reactor.core.publisher.Mono;

/** Races that show only in other orders, and how to reproduce them. */
@Timeout(120)
class SchedulesTest {
    /** Counts hits in a read and a write, with a pause in between that matters only in some orders. */
    static class Racy {
        private final List<String> log = new ArrayList<>();

        /** The last of three must not come first: in the order of creation it never does. */
        private void lastMustNotComeFirst() throws Exception {
            List<Task<Void>> tasks = new ArrayList<>();
            for (String name : List.of("a", "b", "c", "d")) {
                tasks.add(createTask(async(() -> {
                    await(sleep(Duration.ofSeconds(1)));
                    log.add(name);
                    await(sleep(Duration.ZERO));
                    log.add(name);
                })));
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
            assertThat(String.join("", log)).doesNotStartWith("dc");
        }

        @Schedules(n = 200)
        void inSomeOrder() throws Exception {
            lastMustNotComeFirst();
        }

        @AsyncioTest
        void inTheOrderOfCreation() throws Exception {
            lastMustNotComeFirst();
        }

        /** The signal is lost if the waiter comes later; an Event would keep it. */
        @Schedules(n = 200)
        void lostWakeUp() throws Exception {
            boolean[] waiting = {false};
            Event wakeUp = new Event();
            await(all(
                    async(() -> {
                        waiting[0] = true;
                        await(wakeUp.await());
                    }),
                    async(() -> {
                        if (waiting[0]) {
                            wakeUp.set();
                        }
                    })));
        }

        /** Leaves a permit behind if it loses the race. */
        @Schedules(n = 200)
        void leakOnly() throws Exception {
            Lock lock = new Lock();
            boolean[] closed = {false};
            Task<Void> user = createTask(async(() -> {
                var permit = await(lock.acquire());
                if (!closed[0]) {
                    permit.release();
                }
            }));
            Task<Void> closer = createTask(async(() -> {
                closed[0] = true;
            }));
            await(user);
            await(closer);
        }
    }

    @Test
    void aRaceIsFoundWithin200SchedulesAndNeverInTheUsualOrder() {
        EngineExecutionResults results = Jupiter.run(Racy.class, "inSomeOrder()");
        Throwable failure = Jupiter.failureOf(results);
        assertThat(failure).isInstanceOf(AssertionError.class).hasMessageContaining("dc");
        assertThat(results.testEvents().started().count())
                .as("the first failure is the last test")
                .isEqualTo(1 + results.testEvents().succeeded().count())
                .isLessThanOrEqualTo(200);
        for (int i = 0; i < 20; i++) {
            Jupiter.run(Racy.class, "inTheOrderOfCreation()")
                    .testEvents()
                    .assertStatistics(tests -> tests.succeeded(1).failed(0));
        }
    }

    @Test
    void theSeedOfTheFailureRepeatsIt() {
        for (String method : List.of("inSomeOrder()", "lostWakeUp()", "leakOnly()")) {
            EngineExecutionResults found = Jupiter.run(Racy.class, method);
            Throwable failure = Jupiter.failureOf(found);
            long seed = seedOf(failure);
            assertThat(found.testEvents().failed().list())
                    .singleElement()
                    .satisfies(event -> assertThat(event.getTestDescriptor().getDisplayName())
                            .isEqualTo("seed " + seed));
            EngineExecutionResults repeated = Jupiter.runWithSeed(Racy.class, method, seed);
            assertThat(repeated.testEvents().started().count()).isEqualTo(1);
            Throwable again = Jupiter.failureOf(repeated);
            assertThat(again).hasSameClassAs(failure);
            assertThat(seedOf(again)).isEqualTo(seed);
        }
    }

    private static long seedOf(Throwable failure) {
        Pattern pattern = Pattern.compile("under the schedule of seed (\\d+); -Dasyncio\\.test\\.seed=\\1 repeats it");
        for (Throwable note : failure.getSuppressed()) {
            Matcher matcher = pattern.matcher(String.valueOf(note.getMessage()));
            if (matcher.matches()) {
                return Long.parseLong(matcher.group(1));
            }
        }
        throw new AssertionError("no seed", failure);
    }

    @Test
    void aLostWakeUpIsADeadlockAndALeakAFailure() {
        assertThat(Jupiter.failureOf(Racy.class, "lostWakeUp()"))
                .isInstanceOf(DeadlockError.class)
                .hasMessageContaining("(seed ")
                .hasMessageContaining("Event");
        assertThat(Jupiter.failureOf(Racy.class, "leakOnly()"))
                .isInstanceOf(LeakError.class)
                .hasMessageContaining("(seed ")
                .hasMessageContaining("<permit of <Lock [locked]>>");
    }

    /** Records the steps with their times: of bodies, Monos, timers and a lock. */
    static class Recorded {
        static final List<String> ORDERS = new CopyOnWriteArrayList<>();

        @Schedules(n = 50, seed = 1000)
        void order() throws Exception {
            StringBuilder order = new StringBuilder();
            Lock lock = new Lock();
            List<Task<?>> tasks = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                int number = i;
                tasks.add(createTask(
                        lock.withLock(Mono.fromRunnable(() -> order.append('m').append(number)))));
                tasks.add(createTask(async(() -> {
                    await(sleep(Duration.ofSeconds(number % 2)));
                    try (var permit = await(lock.acquire())) {
                        order.append('b').append(number).append(permit.permits());
                        await(sleep(Duration.ofSeconds(1)));
                    }
                })));
            }
            for (Task<?> task : tasks) {
                await(task);
            }
            ORDERS.add(order.toString());
        }
    }

    @Test
    void sameSeedsSameSchedules() {
        Recorded.ORDERS.clear();
        Jupiter.run(Recorded.class)
                .testEvents()
                .assertStatistics(tests -> tests.succeeded(50).failed(0));
        List<String> first = List.copyOf(Recorded.ORDERS);
        Recorded.ORDERS.clear();
        Jupiter.run(Recorded.class)
                .testEvents()
                .assertStatistics(tests -> tests.succeeded(50).failed(0));
        assertThat(Recorded.ORDERS).isEqualTo(first);
        assertThat(first.stream().distinct().count()).isGreaterThan(40);
    }

    @Test
    void aSeedIsANumber() {
        Throwable failure = Jupiter.runWithWrongSeed(Recorded.class);
        assertThat(failure).hasMessageContaining("-Dasyncio.test.seed must be a whole number, not x");
    }

    static class Combined {
        @Schedules(n = 2)
        @ParameterizedTest
        @ValueSource(ints = {1, 2})
        void parameterized(int number) {
            throw new AssertionError("runs with " + number);
        }
    }

    @Test
    void schedulesOfAParameterizedTestAreRefusedBeforeItRuns() {
        EngineExecutionResults results = Jupiter.run(Combined.class);
        assertThat(results.testEvents().started().count()).isZero();
        assertThat(results.containerEvents().failed().list())
                .singleElement()
                .satisfies(event -> assertThat(event.getRequiredPayload(TestExecutionResult.class)
                                .getThrowable()
                                .orElseThrow())
                        .hasMessageContaining("@Schedules cannot be combined with @ParameterizedTest on")
                        .hasMessageContaining("loop over the arguments"));
    }
}
