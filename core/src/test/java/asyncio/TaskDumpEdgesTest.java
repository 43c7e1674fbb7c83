package asyncio;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.asCompleted;
import static asyncio.Asyncio.asCompletedTasks;
import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.cleanup;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.mapConcurrent;
import static asyncio.Asyncio.mapConcurrentUnordered;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.shieldedCleanup;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.Asyncio.waitTasks;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;

/** A task stands below the one that waits for it, no matter what is in between (GRA-03, GRA-04, GRA-06). */
@Timeout(60)
class TaskDumpEdgesTest {
    private static final Duration HOUR = Duration.ofHours(1);

    private static Map<String, Function<Task<Integer>, Mono<?>>> waysToWait() {
        Map<String, Function<Task<Integer>, Mono<?>>> ways = new LinkedHashMap<>();
        ways.put("the task itself", task -> task);
        ways.put("shield", task -> shield(task));
        ways.put("shield twice", task -> shield(shield(task)));
        ways.put("gather", task -> gather(task, task));
        ways.put("race", task -> race(task, sleep(HOUR, 1)));
        ways.put("all", task -> all(task, sleep(HOUR, 1)));
        ways.put("waitTasks", task -> waitTasks(List.of(task), ReturnWhen.ALL_COMPLETED));
        ways.put("waitTasks with a limit", task -> waitTasks(List.of(task), ReturnWhen.FIRST_COMPLETED, HOUR));
        ways.put("asCompleted", task -> asCompleted(List.of(task)).collectList());
        ways.put(
                "asCompletedTasks",
                task -> asCompletedTasks(List.of(task), HOUR).next());
        ways.put(
                "mapConcurrent",
                task -> mapConcurrent(Flux.just(1), 1, x -> task).collectList());
        ways.put(
                "mapConcurrentUnordered",
                task -> mapConcurrentUnordered(Flux.just(1), 1, x -> task).then());
        ways.put("waitFor", task -> waitFor(task, HOUR));
        ways.put("Timeout.scope", task -> asyncio.Timeout.scope(HOUR, timeout -> task));
        ways.put("Timeout.scopeBody", task -> asyncio.Timeout.scopeBody(HOUR, timeout -> await(task)));
        ways.put("TaskGroup.scope", task -> TaskGroup.scope(group -> task));
        ways.put("TaskGroup.scopeBody", task -> TaskGroup.scopeBody(group -> await(task)));
        ways.put("async", task -> async(() -> await(task)));
        ways.put("cleanup", task -> cleanup(task));
        ways.put("shieldedCleanup", task -> shieldedCleanup(task, HOUR));
        ways.put("gather of shields", task -> gather(shield(task), shield(task)));
        ways.put("waitFor of a shield of a gather", task -> waitFor(shield(gather(task)), HOUR));
        ways.put("map", task -> task.map(x -> x));
        ways.put("flatMap", task -> Mono.just(1).flatMap(x -> task));
        ways.put("zip", task -> Mono.zip(task, sleep(HOUR, 1)));
        ways.put("firstWithSignal", task -> Mono.firstWithSignal(task, sleep(HOUR, 1)));
        ways.put("timeout", task -> task.timeout(HOUR));
        ways.put("usingWhen", task -> Mono.usingWhen(Mono.just(1), x -> task, x -> Mono.empty()));
        ways.put("concat", task -> Flux.concat(Flux.just(1), task).collectList());
        ways.put("merge", task -> Flux.merge(task, sleep(HOUR, 1)).collectList());
        ways.put("onErrorResume", task -> task.onErrorResume(e -> Mono.empty()));
        ways.put("map of a shield", task -> shield(task).map(x -> x));
        ways.put("zip of gathers", task -> Mono.zip(gather(task), gather(task)));
        return ways;
    }

    private static void assertBelow(String inner, String outer) {
        List<String> lines = EventLoop.getRunningLoop().dumpTasks().lines().toList();
        int indent = -1;
        for (String line : lines) {
            String name = line.stripLeading();
            if (name.startsWith("- " + outer)) {
                indent = line.length() - name.length();
            } else if (name.startsWith("- " + inner)) {
                assertThat(indent)
                        .as("%s is not in %s above %s", outer, lines, inner)
                        .isNotNegative();
                assertThat(line.length() - name.length()).as("in %s", lines).isGreaterThan(indent);
                return;
            }
        }
        throw new AssertionError("no " + inner + " in " + lines);
    }

    private static void ticks() throws Exception {
        for (int i = 0; i < 6; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    @TestFactory
    Stream<DynamicTest> standsBelowWhateverIsInBetween() {
        return waysToWait().entrySet().stream()
                .map(way -> DynamicTest.dynamicTest(way.getKey(), () -> {
                    for (boolean body : new boolean[] {true, false}) {
                        Asyncio.run(() -> {
                            Task<Integer> inner = createTask(sleep(HOUR, 1), "inner");
                            Mono<?> waiting = way.getValue().apply(inner);
                            Task<?> outer = createTask(
                                    body
                                            ? async(() -> {
                                                await(waiting);
                                            })
                                            : waiting,
                                    "outer");
                            ticks();
                            assertBelow("inner", "outer");
                            outer.cancel();
                            inner.cancel();
                        });
                    }
                }));
    }

    @Test
    void aTaskThatIsJoinedStandsBelowTheOneThatCancelledIt() throws Exception {
        Asyncio.run(() -> {
            Future<Void> gate = new Future<>();
            Task<Void> inner = createTask(
                    async(() -> {
                        try {
                            await(sleep(HOUR));
                        } finally {
                            await(gate);
                        }
                    }),
                    "inner");
            ticks();
            Task<Void> outer = createTask(inner.cancelAndJoin(), "outer");
            ticks();
            assertBelow("inner", "outer");
            gate.setResult(null);
            await(outer);
        });
    }

    @Test
    void aTaskWhoseCleanUpIsWaitedForStandsBelow() throws Exception {
        Asyncio.run(() -> {
            Future<Void> gate = new Future<>();
            Mono<Void> slow = async(() -> {
                Asyncio.currentTask().setName("inner");
                try {
                    await(sleep(HOUR));
                } finally {
                    await(gate);
                }
            });
            Task<Void> outer = createTask(
                    slow.timeout(
                            Duration.ofMillis(1), EventLoop.getRunningLoop().scheduler()),
                    "outer");
            while (!String.valueOf(outer.awaits()).startsWith("clean-up")) {
                await(sleep(Duration.ofMillis(1)));
            }
            assertBelow("inner", "outer");
            gate.setResult(null);
            assertThat(await(outer.cancelAndJoin().thenReturn(true))).isTrue();
        });
    }

    @Test
    void whatManyWaitForIsDescribedOnce() throws Exception {
        AtomicInteger described = new AtomicInteger();
        Mono<Integer> shared = new Mono<>() {
            @Override
            public void subscribe(CoreSubscriber<? super Integer> actual) {
                actual.onSubscribe(Operators.emptySubscription());
            }

            @Override
            public String toString() {
                described.incrementAndGet();
                return "shared";
            }
        };
        Asyncio.run(() -> {
            for (int i = 0; i < 100; i++) {
                createTask(shared, "waits " + i);
            }
            ticks();
            assertThat(EventLoop.getRunningLoop().dumpTasks()).contains("- waits 99 waits for shared");
            assertThat(described)
                    .as("a Future's text takes as long as it has waiters")
                    .hasValue(1);
        });
    }

    @Test
    void nobodyStandsBelowOneThatWaitsNoLonger() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> inner = createTask(sleep(HOUR, 1), "inner");
            Task<Void> outer = createTask(
                    async(() -> {
                        await(Mono.firstWithSignal(shield(inner), Mono.just(1)));
                        await(waitTasks(List.of(inner), ReturnWhen.ALL_COMPLETED, Duration.ofNanos(1)));
                        await(sleep(HOUR));
                    }),
                    "outer");
            while (!String.valueOf(outer.awaits()).startsWith("sleep")) {
                await(sleep(Duration.ofMillis(1)));
            }
            assertThat(EventLoop.getRunningLoop().dumpTasks().lines()).anyMatch(line -> line.startsWith("- inner"));
            outer.cancel();
            inner.cancel();
        });
    }
}
