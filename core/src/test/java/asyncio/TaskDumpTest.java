package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TaskDumpTest {
    private static void named(Task<?> task, String name) {
        task.setName(name);
    }

    @Test
    void tasksStandBelowWhoWaitsForThem() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> gate = loop.createFuture();
            named(loop.currentTask(), "main");
            Task<Void> group = createTask(async(() -> await(TaskGroup.scopeBody(scope -> {
                named(scope.createTask(async(() -> await(gate))), "child");
                named(scope.createTask(gate.then()), "mono");
                return null;
            }))));
            named(group, "parent");
            Task<Void> joins = createTask(async(() -> await(group)));
            named(joins, "outer");
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            List<String> lines = loop.dumpTasks().lines().toList();
            assertThat(lines.get(0)).endsWith(": 5 tasks");
            assertThat(lines)
                    .filteredOn(line -> !line.contains(" at "))
                    .satisfiesExactly(
                            line -> assertThat(line).startsWith("<EventLoop"),
                            line -> assertThat(line).isEqualTo("- main is ready or running"),
                            line -> assertThat(line).isEqualTo("- outer waits for parent"),
                            line -> assertThat(line).startsWith("  - parent waits for <TaskGroup tasks=2"),
                            line -> assertThat(line).startsWith("    - child waits for <Future pending"),
                            line -> assertThat(line).startsWith("    - mono waits for "));
            assertThat(lines).anyMatch(line -> line.startsWith("    at asyncio.TaskDumpTest.lambda"));
            gate.setResult(null);
            await(joins);
        });
    }

    @Test
    void thoseInACircleAreThereOnce() throws Exception {
        try (Runner runner = new Runner()) {
            Task<?>[] circle = new Task<?>[2];
            runner.run(() -> {
                circle[0] = createTask(async(() -> await(circle[1])));
                circle[1] = createTask(async(() -> await(circle[0])));
                named(circle[0], "zero");
                named(circle[1], "one");
                await(sleep(Duration.ZERO));
                String dump = EventLoop.getRunningLoop().dumpTasks();
                assertThat(dump).containsOnlyOnce("- zero waits for one").containsOnlyOnce("- one waits for zero");
                circle[0].cancel();
            });
        }
    }

    @Test
    void gatheredTasksStandBelowTheirGather() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Task<List<Void>> all = createTask(async(() -> await(gather(
                    async(() -> await(sleep(Duration.ofHours(1)))), async(() -> await(sleep(Duration.ofHours(1))))))));
            named(all, "all");
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            assertThat(loop.dumpTasks())
                    .containsPattern("- all waits for <Gather pending.*(\\n    +at .*)*\\n  - Task-");
            all.cancel();
        });
    }

    @Test
    void inDebugModeItTellsWhereAndWhenTheyWereMade() throws Exception {
        Asyncio.run(
                () -> {
                    Task<Void> task = createTask(sleep(Duration.ofHours(1)));
                    named(task, "sleeper");
                    await(sleep(Duration.ZERO));
                    assertThat(EventLoop.getRunningLoop().dumpTasks())
                            .containsPattern(
                                    "- sleeper waits for sleep\\(PT1H\\) created at TaskDumpTest.java:\\d+, \\d+ ms ago");
                    task.cancel();
                },
                true);
    }

    @Test
    void chainsMayBeOfAnyLength() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Void> gate = loop.createFuture();
            Task<Void> last = createTask(gate);
            for (int i = 0; i < 20_000; i++) {
                last = createTask(last);
            }
            await(sleep(Duration.ZERO));
            assertThat(loop.dumpTasks().lines()).hasSizeGreaterThanOrEqualTo(20_002);
            gate.setResult(null);
            await(last);
        });
    }

    @Test
    void anyThreadMayLookWhileTasksComeAndGo() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            Task<Void> busy = thread.loop.createTask(async(() -> {
                for (int i = 0; i < 2_000; i++) {
                    await(gather(sleep(Duration.ZERO), async(() -> await(sleep(Duration.ZERO)))));
                }
            }));
            int dumps = 0;
            do {
                assertThat(thread.loop.dumpTasks()).startsWith("<EventLoop");
                dumps++;
            } while (!busy.done());
            assertThat(dumps).isPositive();
            assertThat(busy.exception()).isNull();
        }
    }

    @Test
    void aBodyThatBlocksShowsTheLine() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        try (LoopThread thread = new LoopThread()) {
            thread.loop.createTask(
                    async(() -> {
                        blocked.countDown();
                        release.await();
                    }),
                    "blocker");
            blocked.await();
            assertThat(thread.loop.dumpTasks())
                    .containsPattern(
                            "- blocker is ready or running\\n(    at java.+\\n)?    at asyncio.TaskDumpTest.lambda");
            release.countDown();
        }
    }
}
