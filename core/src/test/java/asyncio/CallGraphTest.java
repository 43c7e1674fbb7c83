package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.captureCallGraph;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.formatCallGraph;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.printCallGraph;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitTasks;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

@Timeout(60)
class CallGraphTest {
    private static final Duration HOUR = Duration.ofHours(1);

    private static FutureCallGraph graph(Future<?> future) {
        return Objects.requireNonNull(captureCallGraph(future));
    }

    private static List<String> methods(FutureCallGraph graph) {
        return graph.callStack().stream()
                .map(entry -> entry.frame().getMethodName())
                .toList();
    }

    private static List<Future<?>> awaiters(FutureCallGraph graph) {
        return graph.awaitedBy().stream()
                .<Future<?>>map(FutureCallGraph::future)
                .toList();
    }

    private static void ticks() throws Exception {
        for (int i = 0; i < 6; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    private static int leaf(Future<Integer> gate) throws Exception {
        return Objects.requireNonNull(await(gate));
    }

    private static int middle(Future<Integer> gate) throws Exception {
        return leaf(gate);
    }

    private static int outermost(Future<Integer> gate) throws Exception {
        return middle(gate);
    }

    @Test
    @DisplayName("GRA-01 the call stack has the innermost line first, and every task that waits is an awaiter")
    void aTaskHasItsCallStackAndAllThatWaitForIt() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            List<Task<?>> tasks = new ArrayList<>();
            Task<Void> parent = createTask(
                    TaskGroup.scopeBody(group -> {
                        Task<Integer> root = group.createTask(async(() -> outermost(gate)), "c2_root");
                        tasks.add(root);
                        tasks.add(group.createTask(async(() -> await(root)), "sub_main_1"));
                        tasks.add(group.createTask(async(() -> await(root)), "sub_main_2"));
                        return null;
                    }),
                    "parent");
            ticks();
            FutureCallGraph root = graph(tasks.get(0));
            assertThat(methods(root)).startsWith("leaf", "middle", "outermost").hasSize(4);
            assertThat(awaiters(root)).containsExactlyInAnyOrder(parent, tasks.get(1), tasks.get(2));
            for (FutureCallGraph sub : root.awaitedBy()) {
                if (sub.future() != parent) {
                    assertThat(awaiters(sub)).containsExactly(parent);
                    assertThat(sub.awaitedBy().get(0))
                            .as("the same object, however it is reached")
                            .isSameAs(root.awaitedBy().stream()
                                    .filter(other -> other.future() == parent)
                                    .findFirst()
                                    .orElseThrow());
                }
            }
            gate.setResult(1);
            await(parent);
        });
    }

    @Test
    void aTaskWaitsForTheChildrenOfItsGroupWhileTheBodyDoesSomethingElse() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            await(TaskGroup.scopeBody(group -> {
                Task<Integer> child = group.createTask(gate);
                ticks();
                assertThat(awaiters(graph(child))).containsExactly(currentTask());
                gate.setResult(1);
                return null;
            }));
        });
    }

    @Test
    @DisplayName("GRA-03 GRA-04 GRA-06 GRA-13 through gather, shield and waitTasks the task that waits is the awaiter")
    void combinatorsAddNoLevel() throws Exception {
        Asyncio.run(() -> {
            List<Function<Task<Integer>, Mono<?>>> ways = List.of(
                    inner -> gather(inner, sleep(HOUR, 2)),
                    inner -> shield(inner),
                    inner -> waitTasks(List.of(inner), ReturnWhen.ALL_COMPLETED),
                    inner -> inner.map(x -> x));
            for (Function<Task<Integer>, Mono<?>> way : ways) {
                Task<Integer> inner = createTask(sleep(HOUR, 1), "inner");
                Mono<?> waiting = way.apply(inner);
                Task<Void> outer = createTask(
                        async(() -> {
                            await(waiting);
                        }),
                        "outer");
                ticks();
                FutureCallGraph graph = graph(inner);
                assertThat(awaiters(graph)).as(waiting.toString()).containsExactly(outer);
                assertThat(methods(graph.awaitedBy().get(0)))
                        .allMatch(name -> name.startsWith("lambda$combinatorsAddNoLevel"))
                        .isNotEmpty();
                await(outer.cancelAndJoin());
                assertThat(awaiters(graph(inner)))
                        .as("GRA-13 nothing stays behind")
                        .isEmpty();
                inner.cancel();
            }
        });
    }

    @Test
    @DisplayName("GRA-05 a time limit adds no level")
    void aTimeLimitAddsNoLevel() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Task<Integer> task =
                    createTask(async(() -> await(asyncio.Timeout.scopeBody(HOUR, timeout -> outermost(gate)))), "task");
            Task<Integer> outer = createTask(async(() -> await(Asyncio.waitFor(task, HOUR))), "outer");
            ticks();
            assertThat(methods(graph(task)))
                    .as("the lines of this library are left out")
                    .startsWith("leaf", "middle", "outermost")
                    .hasSize(5);
            assertThat(awaiters(graph(task))).containsExactly(outer);
            gate.setResult(1);
            await(outer);
        });
    }

    @Test
    @DisplayName("GRA-08 a plain Future has no stack of its own, and those that wait for it theirs")
    void aFutureHasNoStack() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Task<Integer> first = createTask(async(() -> leaf(gate)), "first");
            Task<Integer> second = createTask(async(() -> leaf(gate)), "second");
            ticks();
            FutureCallGraph graph = graph(gate);
            assertThat(graph.callStack()).isEmpty();
            assertThat(awaiters(graph)).containsExactly(first, second);
            assertThat(graph.awaitedBy())
                    .allSatisfy(waiting -> assertThat(methods(waiting)).startsWith("leaf"));
            assertThat(formatCallGraph(gate)).startsWith("* Future(id=0x");
            gate.setResult(1);
            await(gather(first, second));
        });
    }

    @Test
    @DisplayName("GRA-09 without an argument it is the current task's; null in a callback; an error without a loop")
    void withoutAnArgumentItIsTheCurrentTasks() throws Exception {
        assertThatThrownBy(() -> captureCallGraph())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("captureCallGraph needs a Future to look at, since no event loop runs");
        assertThatThrownBy(() -> printCallGraph(System.out)).hasMessageStartingWith("printCallGraph");
        Asyncio.run(() -> {
            FutureCallGraph own = Objects.requireNonNull(captureCallGraph());
            assertThat(own.future()).isSameAs(currentTask());
            assertThat(own.callStack().get(0).frame().getMethodName())
                    .startsWith("lambda$withoutAnArgumentItIsTheCurrentTasks");
            Future<Object> inCallback = new Future<>();
            EventLoop.getRunningLoop()
                    .callSoon(() -> inCallback.setResult(captureCallGraph() == null ? formatCallGraph() : "a graph"));
            assertThat(await(inCallback)).as("GRA-12 no task, no text").isEqualTo("");
        });
    }

    @Test
    @DisplayName("GRA-11 a positive limit keeps the outermost lines, a negative one the innermost, 0 none")
    void theLimitIsForEachStack() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Task<Integer> task = createTask(async(() -> outermost(gate)));
            ticks();
            assertThat(methods(Objects.requireNonNull(captureCallGraph(task, -2))))
                    .containsExactly("leaf", "middle");
            assertThat(methods(Objects.requireNonNull(captureCallGraph(task, 2))))
                    .hasSize(2)
                    .startsWith("outermost");
            assertThat(methods(Objects.requireNonNull(captureCallGraph(task, Integer.MIN_VALUE))))
                    .hasSize(4);
            FutureCallGraph none = Objects.requireNonNull(captureCallGraph(gate, 0));
            assertThat(none.awaitedBy()).hasSize(1);
            assertThat(none.awaitedBy().get(0).callStack()).isEmpty();
            gate.setResult(1);
            await(task);
        });
    }

    @Test
    @DisplayName("GRA-07 GRA-12 the text has names, lines and those that wait, each described once")
    void theTextDescribesEachTaskOnce() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Task<Integer> fetch = createTask(async(() -> leaf(gate)), "fetch");
            Task<Integer> left = createTask(async(() -> await(fetch)), "left");
            Task<Integer> right = createTask(async(() -> await(fetch)), "right");
            Task<?> both = createTask(async(() -> await(gather(left, right))), "both");
            ticks();
            String lines = "(?: *\\|   at asyncio\\.CallGraphTest\\.\\S+\\(CallGraphTest\\.java:\\d+\\)\\n?)+";
            assertThat(formatCallGraph(fetch))
                    .matches("\\* Task\\(name='fetch', id=0x[0-9a-f]+\\)\\n"
                            + "  \\+ Call stack:\\n" + lines
                            + "  \\+ Awaited by:\\n"
                            + "    \\* Task\\(name='left', id=0x[0-9a-f]+\\)\\n"
                            + "      \\+ Call stack:\\n" + lines
                            + "      \\+ Awaited by:\\n"
                            + "        \\* Task\\(name='both', id=0x[0-9a-f]+\\)\\n"
                            + "          \\+ Call stack:\\n" + lines
                            + "    \\* Task\\(name='right', id=0x[0-9a-f]+\\)\\n"
                            + "      \\+ Call stack:\\n" + lines
                            + "      \\+ Awaited by:\\n"
                            + "        \\* Task\\(name='both', id=0x[0-9a-f]+\\), as above");
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            printCallGraph(fetch, 0, new PrintStream(printed, true, UTF_8));
            assertThat(printed.toString(UTF_8).lines())
                    .hasSize(8)
                    .noneMatch(line -> line.contains("Call stack"))
                    .first()
                    .asString()
                    .startsWith("* Task(name='fetch'");
            gate.setResult(1);
            await(both);
        });
    }

    @Test
    void aCircleIsClosedByATaskWithoutAwaiters() throws Exception {
        try (Runner runner = new Runner()) {
            Task<?>[] circle = new Task<?>[2];
            runner.run(() -> {
                circle[0] = createTask(async(() -> await(circle[1])), "zero");
                circle[1] = createTask(async(() -> await(circle[0])), "one");
                ticks();
                FutureCallGraph zero = graph(circle[0]);
                FutureCallGraph one = zero.awaitedBy().get(0);
                assertThat(one.future()).isSameAs(circle[1]);
                FutureCallGraph closing = one.awaitedBy().get(0);
                assertThat(closing.future()).isSameAs(circle[0]);
                assertThat(closing.callStack()).isEmpty();
                assertThat(closing.awaitedBy()).isEmpty();
                assertThat(formatCallGraph(circle[0])).endsWith(", as above");
                circle[0].cancel();
            });
        }
    }

    @Test
    void aChainMayBeOfAnyLength() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Mono<Integer> last = gate;
            for (int i = 0; i < 100_000; i++) {
                last = createTask(last);
            }
            ticks();
            FutureCallGraph graph = graph(gate);
            assertThat(formatCallGraph(gate).lines()).hasSize(200_001);
            assertThat(graph.toString()).contains("awaitedBy=1").hasSizeLessThan(200);
            assertThat(graph).isEqualTo(graph).isNotEqualTo(graph(gate));
            gate.setResult(1);
            await(last);
        });
    }

    @Test
    void aThreadSeesWhatATaskOfALoopIsDoing() throws Exception {
        CompletableFuture<Task<Integer>> made = new CompletableFuture<>();
        CompletableFuture<Void> seen = new CompletableFuture<>();
        Thread looker = new Thread(() -> {
            try {
                Task<Integer> task = made.get(30, TimeUnit.SECONDS);
                while (task.awaits() == null || graph(task).awaitedBy().isEmpty()) {
                    Thread.onSpinWait();
                }
                assertThat(methods(graph(task))).startsWith("leaf");
                assertThat(task.getStack(1)).hasSize(1);
                seen.complete(null);
            } catch (Throwable e) {
                seen.completeExceptionally(e);
            }
        });
        looker.start();
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Task<Integer> task = createTask(async(() -> leaf(gate)));
            made.complete(task);
            Task<Integer> waits = createTask(async(() -> await(task)));
            await(Asyncio.wrapFuture(seen));
            gate.setResult(1);
            await(waits);
        });
        looker.join();
    }

    @Test
    void getStackGivesTheInnermostLinesOfABody() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> gate = new Future<>();
            Task<Integer> task = createTask(async(() -> outermost(gate)));
            assertThat(task.getStack()).as("it has not begun").isEmpty();
            ticks();
            assertThat(task.getStack())
                    .extracting(StackTraceElement::getMethodName)
                    .startsWith("leaf", "middle", "outermost")
                    .hasSize(4);
            assertThat(task.getStack(1))
                    .extracting(StackTraceElement::getMethodName)
                    .containsExactly("leaf");
            assertThat(task.getStack(0)).isEmpty();
            assertThatThrownBy(() -> task.getStack(-1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("-1");
            assertThat(Objects.requireNonNull(currentTask()).getStack().get(0).getMethodName())
                    .startsWith("lambda$getStackGivesTheInnermostLinesOfABody");
            gate.setResult(1);
            await(task);
            assertThat(task.getStack()).as("it has a result").isEmpty();
            assertThat(createTask(gate).getStack()).as("a Mono has no stack").isEmpty();
        });
    }

    @Test
    void getStackOfATaskThatFailedIsThatOfItsException() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> failed = createTask(async(() -> {
                throw new IOException("no");
            }));
            Task<Integer> cancelled = createTask(sleep(HOUR, 1));
            ticks();
            cancelled.cancel();
            ticks();
            assertThat(failed.getStack())
                    .extracting(StackTraceElement::getMethodName)
                    .hasSize(1)
                    .allMatch(name -> name.startsWith("lambda$getStackOfATaskThatFailed"));
            assertThat(cancelled.getStack()).isEmpty();
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream to = new PrintStream(printed, true, UTF_8);
            failed.printStack(to);
            cancelled.printStack(3, to);
            List<String> lines = printed.toString(UTF_8).lines().toList();
            assertThat(lines).hasSize(3);
            assertThat(lines.get(0))
                    .matches("Stack trace of <Task finished exception=.*no.*> \\(innermost line first\\):");
            assertThat(lines.get(1))
                    .matches("    at asyncio\\.CallGraphTest\\.lambda.*\\(CallGraphTest\\.java:\\d+\\)");
            assertThat(lines.get(2)).startsWith("No stack for <Task cancelled");
            failed.exception();
        });
    }
}
