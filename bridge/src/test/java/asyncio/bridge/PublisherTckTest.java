package asyncio.bridge;

import static asyncio.bridge.Cancellation.DETACH;
import static asyncio.bridge.Cancellation.PROPAGATE;

import asyncio.EventLoop;
import asyncio.Tck;
import java.io.ByteArrayInputStream;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import reactor.core.publisher.Flux;

/** The Reactive Streams rules for each publisher of the bridges. */
class PublisherTckTest {
    @AfterAll
    static void shutdown() {
        EventLoop.shutdownShared(Duration.ofSeconds(10));
    }

    @TestFactory
    Stream<DynamicTest> callbackAtOnce() {
        return Tck.of("Callbacks.mono, called at once", () -> Callbacks.<Integer>mono(callback -> callback.success(1)));
    }

    @TestFactory
    Stream<DynamicTest> callbackLater() {
        return Tck.of(
                "Callbacks.mono, called later",
                () -> Callbacks.<Integer>mono(
                        callback -> EventLoop.shared().next().callSoonThreadsafe(() -> callback.success(1))));
    }

    @TestFactory
    Stream<DynamicTest> emptyCallback() {
        return Tck.ofEmpty("Callbacks.mono, empty", () -> Callbacks.<Integer>mono(callback -> callback.success(null)));
    }

    @TestFactory
    Stream<DynamicTest> stage() {
        return Tck.of("Futures.toMono", () -> Futures.toMono(() -> CompletableFuture.supplyAsync(() -> 1), PROPAGATE));
    }

    @TestFactory
    Stream<DynamicTest> future() {
        return Tck.of("Futures.toFuture", () -> Futures.toFuture(CompletableFuture.supplyAsync(() -> 1), DETACH));
    }

    @TestFactory
    Stream<DynamicTest> blocking() {
        return Tck.of("Blocking.mono", () -> Blocking.mono(() -> 1, PROPAGATE));
    }

    @TestFactory
    Stream<DynamicTest> blockingFuture() {
        return Tck.of("Blocking.future", () -> {
            FutureTask<Integer> task = new FutureTask<>(() -> 1);
            task.run();
            return Blocking.future(task, DETACH);
        });
    }

    @TestFactory
    Stream<DynamicTest> stream() {
        return Tck.ofMany(
                "Blocking.read", n -> Blocking.read(() -> new ByteArrayInputStream(new byte[(int) n]), 1, DETACH));
    }

    @TestFactory
    Stream<DynamicTest> pulled() {
        return Tck.ofMany(
                "Blocking.pull",
                n -> Blocking.pull(
                        () -> IntStream.range(0, (int) n).boxed(),
                        new Blocking.Next<Stream<Integer>, Integer>() {
                            private @Nullable Iterator<Integer> items;

                            @Override
                            public @Nullable Integer next(Stream<Integer> source) {
                                if (items == null) {
                                    items = source.iterator();
                                }
                                return items.hasNext() ? items.next() : null;
                            }
                        },
                        DETACH));
    }

    @TestFactory
    Stream<DynamicTest> listener() {
        return Tck.ofMany(
                "Listeners.flux",
                n -> Listeners.<Integer>flux(Overflow.fail(10_000), sink -> {
                    for (int i = 0; i < n; i++) {
                        sink.next(i);
                    }
                    sink.complete();
                }));
    }

    @TestFactory
    Stream<DynamicTest> listenerThatWaits() {
        return Tck.ofMany(
                "Listeners.flux with put",
                n -> Listeners.<Integer>flux(Overflow.fail(2), sink -> put(sink, 0, (int) n)));
    }

    @TestFactory
    Stream<DynamicTest> listenerThatIsAsked() {
        return Tck.ofMany(
                "Listeners.flux with onRequest",
                n -> Listeners.<Integer>flux(Overflow.fail(2), sink -> answer(sink, (int) n)));
    }

    private static void answer(ListenerSink<Integer> sink, int end) {
        AtomicInteger next = new AtomicInteger();
        if (end == 0) {
            sink.complete();
        }
        sink.onRequest(n -> {
            for (long i = 0; i < n && next.get() < end; i++) {
                sink.next(next.getAndIncrement());
            }
            if (next.get() == end) {
                sink.complete();
            }
        });
    }

    private static void put(ListenerSink<Integer> sink, int next, int end) {
        Flux.range(next, end - next).concatMap(sink::put).subscribe(nothing -> {}, error -> {}, sink::complete);
    }
}
