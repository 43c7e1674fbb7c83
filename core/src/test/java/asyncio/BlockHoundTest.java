package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import reactor.blockhound.BlockingOperationError;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

/** No method that returns a Mono blocks the loop on which it is called, subscribed to or cancelled. */
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
    private static final Duration SHORT = Duration.ofMillis(1);
    private static final Set<String> GIVE_WHAT_IS_THERE = Set.of(
            "Asyncio.currentTask()",
            "EventLoop.currentTask()",
            "ExceptionContext.future()",
            "ExceptionContext.task()",
            "FutureCallGraph.future()",
            "Task.source()");

    @BeforeAll
    static void install() {
        BlockingCalls.install();
    }

    @BeforeEach
    void forget() {
        BlockingCalls.found();
    }

    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    // ---- blocking calls are found

    @Test
    void aCallbackThatSleepsIsFound() {
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    EventLoop.getRunningLoop().callSoon(BlockHoundTest::block);
                    await(sleep(Duration.ofMillis(100)));
                }))
                .isInstanceOf(BlockingOperationError.class);
        assertThat(BlockingCalls.found()).singleElement().asString().contains("java.lang.Thread.sleep");
    }

    @Test
    void aBodyThatSleepsIsFound() {
        assertThatThrownBy(() -> Asyncio.run(BlockHoundTest::block)).isInstanceOf(BlockingOperationError.class);
        assertThat(BlockingCalls.found()).hasSize(1);
    }

    @Test
    void aSubscriberThatSleepsOnASharedLoopIsFound() {
        Mono<String> slow = sleep(SHORT, "x").doOnNext(value -> block());
        assertThatThrownBy(slow::block).hasCauseInstanceOf(BlockingOperationError.class);
        assertThat(BlockingCalls.found()).hasSize(1);
    }

    @Test
    void aFunctionOfToThreadMayBlock() throws Exception {
        Asyncio.run(() -> {
            await(toThread(() -> block()));
        });
        assertThat(BlockingCalls.found()).isEmpty();
    }

    private static void block() {
        try {
            Thread.sleep(1);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    // ---- the library has none

    /** Every method, with its result brought to an end. */
    private static Map<String, Function<EventLoop, Mono<?>>> methods() {
        Map<String, Function<EventLoop, Mono<?>>> methods = new LinkedHashMap<>();
        methods.put("Asyncio.async(ValueBody)", loop -> async(() -> await(sleep(SHORT, "x"))));
        methods.put("Asyncio.async(Callable)", loop -> async((Callable<String>) () -> await(sleep(SHORT, "x"))));
        methods.put(
                "Asyncio.async(Body, Void[])",
                loop -> async(() -> {
                    await(sleep(SHORT));
                }));
        methods.put("Asyncio.createTask(Mono)", loop -> Asyncio.createTask(sleep(SHORT)));
        methods.put("Asyncio.createTask(Mono, String)", loop -> Asyncio.createTask(sleep(SHORT), "name"));
        methods.put(
                "Asyncio.createTask(Mono, TaskOptions)",
                loop -> Asyncio.createTask(
                        sleep(SHORT), TaskOptions.named("name").withEager(true)));
        methods.put(
                "Asyncio.eagerTaskFactory(EventLoop, Mono, TaskOptions)",
                loop -> Asyncio.eagerTaskFactory(loop, async(() -> await(sleep(SHORT, 1))), TaskOptions.DEFAULTS));
        methods.put("Asyncio.ensureFuture(Mono)", loop -> Asyncio.ensureFuture(sleep(SHORT)));
        methods.put("Asyncio.sleep(Duration)", loop -> sleep(SHORT));
        methods.put("Asyncio.sleep(Duration, Object)", loop -> sleep(Duration.ZERO, 1));
        methods.put("Asyncio.toThread(ValueBody)", loop -> toThread(() -> 1));
        methods.put("Asyncio.toThread(Callable)", loop -> toThread((Callable<Integer>) () -> 1));
        methods.put(
                "Asyncio.toThread(Callable, Executor)",
                loop -> toThread(() -> 1, Schedulers.boundedElastic()::schedule));
        methods.put("Asyncio.toThread(Body, Void[])", loop -> toThread(() -> block()));
        methods.put(
                "Asyncio.wrapFuture(CompletableFuture)",
                loop -> Asyncio.wrapFuture(CompletableFuture.supplyAsync(() -> 1)));
        methods.put("EventLoop.createFuture()", loop -> {
            Future<Integer> future = loop.createFuture();
            loop.callLater(SHORT, () -> future.trySetResult(1));
            return future;
        });
        methods.put("EventLoop.createTask(Mono)", loop -> loop.createTask(sleep(SHORT)));
        methods.put("EventLoop.createTask(Mono, String)", loop -> loop.createTask(sleep(SHORT), "name"));
        methods.put(
                "EventLoop.createTask(Mono, String, ContextView)",
                loop -> loop.createTask(sleep(SHORT), "name", Context.empty()));
        methods.put(
                "EventLoop.createTask(Mono, TaskOptions)",
                loop -> loop.createTask(sleep(SHORT), TaskOptions.named("name")));
        methods.put("EventLoop.newTask(Mono, TaskOptions)", loop -> loop.newTask(sleep(SHORT), TaskOptions.DEFAULTS));
        methods.put("EventLoop.runInExecutor(Executor, Callable)", loop -> loop.runInExecutor(null, () -> 1));
        methods.put(
                "EventLoop.shutdownDefaultExecutor()", loop -> toThread(() -> 1).then(loop.shutdownDefaultExecutor()));
        methods.put(
                "EventLoop.shutdownDefaultExecutor(Duration)",
                loop -> toThread(() -> 1).then(loop.shutdownDefaultExecutor(Duration.ofSeconds(10))));
        methods.put(
                "EventLoop.shutdownAsyncgens()",
                loop -> counting(1_000_000).take(1).then(loop.shutdownAsyncgens()));
        methods.put("Asyncio.generate(Generator)", loop -> counting(3).then());
        methods.put("AsyncIterator.next()", loop -> Asyncio.iterate(counting(3)).next());
        methods.put("AsyncIterator.aclose()", loop -> {
            AsyncIterator<Integer> items = Asyncio.iterate(counting(3));
            return items.next().then(items.aclose());
        });
        addScopes(methods);
        addCleanups(methods);
        addActivities(methods);
        addCombinators(methods);
        return methods;
    }

    private static Flux<Integer> counting(int n) {
        return Asyncio.generate(emitter -> {
            for (int i = 0; i < n; i++) {
                await(sleep(SHORT));
                await(emitter.emit(i));
            }
        });
    }

    private static void addCombinators(Map<String, Function<EventLoop, Mono<?>>> methods) {
        List<Mono<Integer>> sleeps = List.of(sleep(SHORT, 1), sleep(SHORT, 2));
        Duration limit = Duration.ofSeconds(10);
        methods.put(
                "Asyncio.asCompleted(Iterable)",
                loop -> Asyncio.<Integer>asCompleted(sleeps).then());
        methods.put(
                "Asyncio.asCompleted(Iterable, Duration)",
                loop -> Asyncio.<Integer>asCompleted(sleeps, limit).then());
        methods.put(
                "Asyncio.asCompletedTasks(Iterable)",
                loop -> Asyncio.<Integer>asCompletedTasks(sleeps).then());
        methods.put(
                "Asyncio.asCompletedTasks(Iterable, Duration)",
                loop -> Asyncio.<Integer>asCompletedTasks(sleeps, limit).then());
        methods.put(
                "Asyncio.mapConcurrent(Publisher, int, Function)",
                loop -> Asyncio.mapConcurrent(Flux.range(0, 10), 3, i -> sleep(SHORT, i))
                        .then());
        methods.put(
                "Asyncio.mapConcurrentUnordered(Publisher, int, Function)",
                loop -> Asyncio.mapConcurrentUnordered(Flux.range(0, 10), 3, i -> async(() -> await(sleep(SHORT, i))))
                        .then());
        methods.put("Asyncio.race(Iterable)", loop -> Asyncio.<Integer>race(sleeps));
        methods.put("Asyncio.race(Iterable, Duration)", loop -> Asyncio.<Integer>race(sleeps, SHORT));
        methods.put("Asyncio.race(Mono[])", loop -> Asyncio.race(sleep(SHORT, 1), sleep(limit, 2)));
        methods.put("Asyncio.shield(Mono)", loop -> Asyncio.shield(sleep(SHORT, 1)));
        methods.put(
                "Asyncio.waitTasks(Iterable, ReturnWhen)",
                loop -> Asyncio.waitTasks(List.of(loop.createTask(sleep(SHORT))), ReturnWhen.ALL_COMPLETED));
        methods.put(
                "Asyncio.waitTasks(Iterable, ReturnWhen, Duration)",
                loop -> Asyncio.waitTasks(List.of(loop.createTask(sleep(SHORT))), ReturnWhen.FIRST_COMPLETED, limit));
    }

    private static void addScopes(Map<String, Function<EventLoop, Mono<?>>> methods) {
        methods.put(
                "Asyncio.gather(Mono[])", loop -> Asyncio.gather(sleep(SHORT, 1), toThread(() -> 2), async(() -> 3)));
        methods.put("Asyncio.gather(Iterable)", loop -> Asyncio.gather(List.of(sleep(SHORT, 1), sleep(SHORT, 2))));
        methods.put(
                "Asyncio.gather(Iterable, boolean)",
                loop -> Asyncio.gather(List.of(sleep(SHORT, 1), Mono.error(new IOException("e"))), true));
        methods.put(
                "Asyncio.waitFor(Mono, Duration)", loop -> Asyncio.waitFor(sleep(SHORT, 1), Duration.ofSeconds(10)));
        methods.put(
                "Task.cancelAndJoin()",
                loop -> loop.createTask(sleep(Duration.ofHours(1))).cancelAndJoin());
        methods.put(
                "Task.cancelAndJoin(String)",
                loop -> loop.createTask(async(() -> await(sleep(SHORT, 1)))).cancelAndJoin("why"));
        methods.put("Asyncio.all(Mono[])", loop -> Asyncio.all(sleep(SHORT, 1), sleep(SHORT, 2)));
        methods.put("Asyncio.all(Iterable)", loop -> Asyncio.all(List.of(sleep(SHORT, 1), sleep(SHORT, 2))));
        methods.put("TaskGroup.scope(Function)", loop -> TaskGroup.scope(group -> sleep(SHORT)));
        methods.put("TaskGroup.scopeBody(BodyFunction)", loop -> TaskGroup.scopeBody(group -> await(sleep(SHORT, 1))));
        methods.put("TaskGroup.createTask(Mono)", inGroup(group -> group.createTask(sleep(SHORT))));
        methods.put("TaskGroup.createTask(Mono, String)", inGroup(group -> group.createTask(sleep(SHORT), "name")));
        methods.put(
                "TaskGroup.createTask(Mono, TaskOptions)",
                inGroup(group -> group.createTask(sleep(SHORT), TaskOptions.DEFAULTS)));
        methods.put(
                "TaskGroup.supervise(BiConsumer, Function)",
                loop -> TaskGroup.supervise((task, error) -> {}, group -> group.createTask(sleep(SHORT, 1))));
        methods.put(
                "TaskGroup.superviseBody(BiConsumer, BodyFunction)",
                loop -> TaskGroup.superviseBody((task, error) -> {}, group -> {
                    group.createTask(sleep(SHORT).then(Mono.error(new IOException("e"))));
                    return await(sleep(SHORT, 1));
                }));
        methods.put("TaskGroup.start(Function)", inGroup(group -> group.start(BlockHoundTest::startUp)));
        methods.put(
                "TaskGroup.start(Function, TaskOptions)",
                inGroup(group -> group.start(BlockHoundTest::startUp, TaskOptions.named("name"))));
        methods.put(
                "Timeout.scope(Duration, Function)",
                loop -> Timeout.scope(Duration.ofSeconds(10), timeout -> sleep(SHORT, 1)));
        methods.put(
                "Timeout.scopeBody(Duration, BodyFunction)",
                loop -> Timeout.scopeBody(Duration.ofSeconds(10), timeout -> await(sleep(SHORT, 1))));
        methods.put(
                "CancelScope.scope(Function)",
                loop -> CancelScope.scope(scope -> {
                    scope.cancel();
                    return sleep(Duration.ofHours(1), 1);
                }));
        methods.put(
                "CancelScope.scopeBody(BodyFunction)",
                loop -> CancelScope.scopeBody(scope -> {
                    scope.cancel();
                    return await(sleep(Duration.ofHours(1), 1));
                }));
        methods.put(
                "Timeout.moveOn(Duration, Function)",
                loop -> Timeout.moveOn(SHORT, timeout -> sleep(Duration.ofHours(1))));
        methods.put(
                "Timeout.moveOnBody(Duration, BodyFunction)",
                loop -> Timeout.moveOnBody(SHORT, timeout -> await(sleep(Duration.ofHours(1), 1))));
        methods.put(
                "Timeout.scopeAt(Duration, Function)",
                loop -> Timeout.scopeAt(loop.time().plusSeconds(10), timeout -> sleep(SHORT, 1)));
        methods.put(
                "Timeout.scopeBodyAt(Duration, BodyFunction)",
                loop -> Timeout.scopeBodyAt(loop.time().plusSeconds(10), timeout -> await(sleep(SHORT, 1))));
    }

    private static void addCleanups(Map<String, Function<EventLoop, Mono<?>>> methods) {
        methods.put("Asyncio.cleanup(Publisher)", loop -> Asyncio.cleanup(sleep(SHORT)));
        methods.put("Cleanups.cleanup(Work, Publisher)", loop -> Cleanups.cleanup(null, sleep(SHORT)));
        methods.put(
                "Asyncio.shieldedCleanup(Mono, Duration)",
                loop -> Asyncio.shieldedCleanup(sleep(SHORT, 1), Duration.ofSeconds(10)));
    }

    private static void addActivities(Map<String, Function<EventLoop, Mono<?>>> methods) {
        methods.put(
                "Activities.around(EventLoop, Kind, String, Mono, BiConsumer)",
                loop -> listenedTo(
                        loop,
                        Activities.around(loop, Activity.Kind.CLIENT, "peer", sleep(SHORT, 1), (activity, result) -> {
                            Activities.end(activity, null);
                        })));
        methods.put(
                "Activities.around(Kind, String, Mono)",
                loop -> listenedTo(loop, Activities.around(Activity.Kind.CLIENT, "peer", sleep(SHORT, 1))));
    }

    private static Mono<?> listenedTo(EventLoop loop, Mono<?> work) {
        return Mono.using(() -> loop.addListener(new LoopListener() {}), listening -> work, Disposable::dispose);
    }

    private static Function<EventLoop, Mono<?>> inGroup(Function<TaskGroup, Mono<?>> method) {
        return loop -> TaskGroup.scope(method);
    }

    private static Mono<Void> startUp(TaskGroup.Started<String> started) {
        return async(() -> {
            started.started("ready");
            await(sleep(SHORT));
        });
    }

    @Test
    void everyMethodIsTried() throws Exception {
        Set<String> tried = new HashSet<>(methods().keySet());
        tried.addAll(GIVE_WHAT_IS_THERE);
        tried.add("TaskFactory.newTask(EventLoop, Mono, TaskOptions)"); // implemented by users
        tried.add("SuspendingSink.put(Object)"); // of queue and bridge
        tried.add("Emitter.emit(Object)"); // of generate
        BlockingCalls.assertThatAllAreTried(Asyncio.class, tried);
    }

    @TestFactory
    Stream<DynamicTest> noMethodBlocks() {
        return methods().entrySet().stream()
                .flatMap(method -> BlockingCalls.of(
                        method.getKey(), Mono.fromCallable(EventLoop::getRunningLoop), method.getValue()));
    }
}
