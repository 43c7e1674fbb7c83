package asyncio;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The Reactive Streams rules for each Mono of the kernel. */
class PublisherTckTest {
    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    @TestFactory
    Stream<DynamicTest> doneFuture() {
        return Tck.of("done Future", () -> {
            Future<Integer> future = new Future<>();
            future.setResult(1);
            return future;
        });
    }

    @TestFactory
    Stream<DynamicTest> laterFuture() {
        return Tck.of("later Future", () -> {
            EventLoop loop = EventLoop.shared().next();
            Future<Integer> future = loop.createFuture();
            loop.callSoonThreadsafe(() -> future.setResult(1));
            return future;
        });
    }

    @TestFactory
    Stream<DynamicTest> task() {
        return Tck.of("Task", () -> EventLoop.shared().next().createTask(Mono.just(1)));
    }

    @TestFactory
    Stream<DynamicTest> async() {
        return Tck.of("async", () -> Asyncio.async(() -> 1));
    }

    @TestFactory
    Stream<DynamicTest> sleep() {
        return Tck.of("sleep", () -> Asyncio.sleep(Duration.ofMillis(1), 1));
    }

    @TestFactory
    Stream<DynamicTest> sleepZero() {
        return Tck.of("sleep(0)", () -> Asyncio.sleep(Duration.ZERO, 1));
    }

    @TestFactory
    Stream<DynamicTest> toThread() {
        return Tck.of("toThread", () -> Asyncio.toThread(() -> 1));
    }

    @TestFactory
    Stream<DynamicTest> eagerTask() {
        return Tck.of(
                "eager Task",
                () -> Asyncio.eagerTaskFactory(
                        EventLoop.shared().next(), Asyncio.sleep(Duration.ofMillis(1), 1), TaskOptions.DEFAULTS));
    }

    @TestFactory
    Stream<DynamicTest> runInExecutor() {
        return Tck.of("runInExecutor", () -> EventLoop.shared().next().runInExecutor(null, () -> 1));
    }

    @TestFactory
    Stream<DynamicTest> wrapFuture() {
        return Tck.of("wrapFuture", () -> Asyncio.wrapFuture(CompletableFuture.supplyAsync(() -> 1)));
    }

    @TestFactory
    Stream<DynamicTest> emptyFuture() {
        return Tck.ofEmpty("empty Future", () -> {
            Future<Void> future = new Future<>();
            future.setResult(null);
            return future;
        });
    }

    @TestFactory
    Stream<DynamicTest> emptyAsync() {
        return Tck.ofEmpty("async without a result", () -> Asyncio.async(() -> {}));
    }

    @TestFactory
    Stream<DynamicTest> emptySleep() {
        return Stream.of(Duration.ZERO, Duration.ofMillis(1))
                .flatMap(delay -> Tck.ofEmpty("sleep(" + delay + ")", () -> Asyncio.sleep(delay)));
    }

    @TestFactory
    Stream<DynamicTest> emptyToThread() {
        return Tck.ofEmpty("toThread without a result", () -> Asyncio.toThread(() -> {}));
    }

    @TestFactory
    Stream<DynamicTest> gather() {
        return Tck.of(
                "gather",
                () -> Asyncio.gather(Mono.just(1), Asyncio.sleep(Duration.ofMillis(1), 2))
                        .map(List::size));
    }

    @TestFactory
    Stream<DynamicTest> shield() {
        return Tck.of("shield", () -> Asyncio.shield(Asyncio.sleep(Duration.ofMillis(1), 2)));
    }

    @TestFactory
    Stream<DynamicTest> waitTasks() {
        return Tck.of("waitTasks", () -> {
            Task<Integer> task = EventLoop.shared().next().createTask(Asyncio.sleep(Duration.ofMillis(1), 2));
            return Asyncio.waitTasks(List.of(task), ReturnWhen.ALL_COMPLETED)
                    .map(result -> result.done().size());
        });
    }

    @TestFactory
    Stream<DynamicTest> asCompleted() {
        return Tck.ofMany("asCompleted", n -> Asyncio.asCompleted(monos((int) n)));
    }

    @TestFactory
    Stream<DynamicTest> asCompletedTasks() {
        return Tck.ofMany(
                "asCompletedTasks",
                n -> Asyncio.asCompletedTasks(monos((int) n)).map(Future::resultOrNull));
    }

    private static List<Mono<Integer>> monos(int n) {
        return IntStream.range(0, n)
                .mapToObj(i -> i % 10 == 0 ? Asyncio.sleep(Duration.ofMillis(1), i) : Mono.just(i))
                .toList();
    }

    @TestFactory
    Stream<DynamicTest> race() {
        return Tck.of(
                "race", () -> Asyncio.race(Asyncio.sleep(Duration.ofHours(1), 1), Asyncio.sleep(Duration.ZERO, 2)));
    }

    @TestFactory
    Stream<DynamicTest> staggeredRace() {
        return Tck.of(
                "race with a delay",
                () -> Asyncio.race(
                        List.of(Asyncio.sleep(Duration.ofHours(1), 1), Asyncio.sleep(Duration.ZERO, 2)),
                        Duration.ofMillis(1)));
    }

    @TestFactory
    Stream<DynamicTest> supervise() {
        return Tck.of(
                "supervise",
                () -> TaskGroup.supervise((task, error) -> {}, group -> {
                    group.createTask(Mono.error(new IllegalStateException("e")));
                    return Asyncio.sleep(Duration.ofMillis(1), 1);
                }));
    }

    @TestFactory
    Stream<DynamicTest> moveOn() {
        return Tck.of(
                "moveOn",
                () -> asyncio.Timeout.moveOn(Duration.ofMillis(1), timeout -> Asyncio.sleep(Duration.ofHours(1), 1)));
    }

    @TestFactory
    Stream<DynamicTest> mapConcurrent() {
        return Tck.ofMany(
                "mapConcurrent",
                n -> Asyncio.mapConcurrent(Flux.range(0, (int) n), 4, i -> Asyncio.sleep(Duration.ZERO, i)));
    }

    @TestFactory
    Stream<DynamicTest> mapConcurrentUnordered() {
        return Tck.ofMany(
                "mapConcurrentUnordered",
                n -> Asyncio.mapConcurrentUnordered(
                        Flux.range(0, (int) n), Integer.MAX_VALUE, i -> Asyncio.sleep(Duration.ZERO, i)));
    }

    @TestFactory
    Stream<DynamicTest> generate() {
        return Tck.ofMany(
                "generate",
                n -> Asyncio.generate(emitter -> {
                    for (int i = 0; i < n; i++) {
                        if (i % 10 == 0) {
                            Asyncio.await(Asyncio.sleep(Duration.ofMillis(1)));
                        }
                        Asyncio.await(emitter.emit(i));
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> nextOfAnIterator() {
        return Tck.of(
                "next() of an iterator", () -> Asyncio.iterate(Flux.range(0, 3)).next());
    }

    @TestFactory
    Stream<DynamicTest> acloseOfAnIterator() {
        return Tck.ofEmpty(
                "aclose() of an iterator",
                () -> Asyncio.iterate(Flux.range(0, 3)).aclose());
    }
}
