package asyncio.bridge;

import static asyncio.bridge.Cancellation.DETACH;
import static asyncio.bridge.Cancellation.PROPAGATE;

import asyncio.BlockingCalls;
import asyncio.EventLoop;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** No conversion blocks the loop it is called, subscribed to or cancelled on. */
@EnabledIfSystemProperty(named = "asyncio.test.blockhound", matches = "true")
class BlockHoundTest {
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

    private static boolean block() throws InterruptedException {
        return new CountDownLatch(1).await(1, TimeUnit.MILLISECONDS);
    }

    private static CompletableFuture<Integer> stage() {
        return CompletableFuture.supplyAsync(() -> 1);
    }

    private static Map<String, Function<EventLoop, Publisher<?>>> methods() {
        Map<String, Function<EventLoop, Publisher<?>>> methods = new LinkedHashMap<>();
        methods.put(
                "Callbacks.mono(Registration)",
                loop -> Callbacks.<Integer>mono(callback -> stage().whenComplete(callback.asBiConsumer())));
        methods.put("Futures.toMono(Supplier, Cancellation)", loop -> Futures.toMono(BlockHoundTest::stage, PROPAGATE));
        methods.put("Futures.toMono(CompletionStage, Cancellation)", loop -> Futures.toMono(stage(), DETACH));
        methods.put("Futures.toFuture(CompletionStage, Cancellation)", loop -> Futures.toFuture(stage(), PROPAGATE));
        methods.put("Blocking.mono(Callable, Cancellation)", loop -> Blocking.mono(BlockHoundTest::block, PROPAGATE));
        methods.put("Blocking.future(Future, Cancellation)", loop -> {
            FutureTask<Boolean> task = new FutureTask<>(BlockHoundTest::block);
            new Thread(task).start();
            return Blocking.future(task, PROPAGATE);
        });
        methods.put(
                "Blocking.read(Callable, int, Cancellation)",
                loop -> Blocking.read(
                        () -> {
                            block();
                            return new ByteArrayInputStream(new byte[10]);
                        },
                        3,
                        DETACH));
        methods.put(
                "Blocking.pull(Callable, Next, Cancellation)",
                loop -> Blocking.pull(
                        () -> {
                            block();
                            return new BufferedReader(new StringReader("a\nb"));
                        },
                        BufferedReader::readLine,
                        PROPAGATE));
        methods.put(
                "Blocking.write(Publisher, Callable)",
                loop -> Blocking.write(Flux.just(new byte[1], new byte[2]), () -> {
                    block();
                    return new ByteArrayOutputStream();
                }));
        methods.put(
                "Listeners.flux(Overflow, Registration)",
                loop -> Listeners.<Integer>flux(
                        Overflow.fail(8),
                        sink -> stage().thenAccept(item -> {
                            sink.next(item);
                            sink.complete();
                        })));
        methods.put(
                "SuspendingSink.put(Object)",
                loop -> Listeners.<Integer>flux(
                        Overflow.fail(1),
                        sink -> Flux.range(0, 5).concatMap(sink::put).subscribe(x -> {}, error -> {}, sink::complete)));
        methods.put(
                "ListenerSink.onRequest(LongConsumer)",
                loop -> Listeners.<Integer>flux(Overflow.fail(2), sink -> {
                    AtomicInteger next = new AtomicInteger();
                    sink.onRequest(n -> stage().thenAccept(
                                    item -> { // asked on the loop, answered elsewhere
                                        for (long i = 0; i < n; i++) {
                                            if (next.incrementAndGet() < 5) {
                                                sink.next(item);
                                            } else {
                                                sink.complete();
                                            }
                                        }
                                    }));
                }));
        return methods;
    }

    @Test
    void everyMethodIsTried() throws Exception {
        Set<String> tried = new HashSet<>(methods().keySet());
        tried.remove("SuspendingSink.put(Object)"); // of core, implemented here
        tried.remove("ListenerSink.onRequest(LongConsumer)"); // returns no Publisher, but feeds one
        BlockingCalls.assertThatAllAreTried(Callbacks.class, tried);
    }

    @TestFactory
    Stream<DynamicTest> noMethodBlocks() {
        return methods().entrySet().stream()
                .flatMap(method -> BlockingCalls.of(
                        method.getKey(), Mono.fromCallable(EventLoop::getRunningLoop), method.getValue()));
    }
}
