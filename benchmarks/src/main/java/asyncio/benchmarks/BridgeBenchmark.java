package asyncio.benchmarks;

import asyncio.Asyncio;
import asyncio.bridge.Callbacks;
import asyncio.bridge.Cancellation;
import asyncio.bridge.Futures;
import asyncio.bridge.ListenerSink;
import asyncio.bridge.Listeners;
import asyncio.bridge.Overflow;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Blackhole;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;

/** Bridges compared with Reactor's own. Off every loop, except for the rows that say so. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@State(Scope.Thread)
public class BridgeBenchmark {
    private static final Integer VALUE = 42;
    private static final int ITEMS = 10_000_000;
    private static final int CALLS = 100_000;

    private @Nullable Consumer<Integer> client;

    // ---- CompletableFuture, there and back

    /** A completed CompletableFuture to a Mono, and back to a CompletableFuture. */
    @Benchmark
    public @Nullable Object stageDone() {
        return Futures.toCompletableFuture(
                        Futures.toMono(CompletableFuture.completedFuture(VALUE), Cancellation.PROPAGATE),
                        Cancellation.PROPAGATE)
                .join();
    }

    /** The same with Reactor's own operators. */
    @Benchmark
    public @Nullable Object stageDoneReactor() {
        return Mono.fromFuture(CompletableFuture.completedFuture(VALUE))
                .toFuture()
                .join();
    }

    /** One that is completed after the conversion. */
    @Benchmark
    public @Nullable Object stageLater() {
        CompletableFuture<Integer> source = new CompletableFuture<>();
        CompletableFuture<?> result = Futures.toCompletableFuture(
                Futures.<Integer>toMono(source, Cancellation.PROPAGATE), Cancellation.PROPAGATE);
        source.complete(VALUE);
        return result.join();
    }

    /** The same with Reactor's own operators. */
    @Benchmark
    public @Nullable Object stageLaterReactor() {
        CompletableFuture<Integer> source = new CompletableFuture<>();
        CompletableFuture<Integer> result = Mono.fromFuture(source).toFuture();
        source.complete(VALUE);
        return result.join();
    }

    // ---- a callback

    /** A callback called before the registration returns. */
    @Benchmark
    public void callbackAtOnce(Blackhole hole) {
        Callbacks.<Integer>mono(callback -> callback.success(VALUE)).subscribe(hole::consume);
    }

    /** The same with Mono.create. */
    @Benchmark
    public void callbackAtOnceReactor(Blackhole hole) {
        Mono.<Integer>create(sink -> sink.success(VALUE)).subscribe(hole::consume);
    }

    /** A callback called after it returns. */
    @Benchmark
    public void callbackLater(Blackhole hole) {
        Callbacks.<Integer>mono(callback -> client = callback::success).subscribe(hole::consume);
        callBack();
    }

    /** The same with Mono.create. */
    @Benchmark
    public void callbackLaterReactor(Blackhole hole) {
        Mono.<Integer>create(sink -> client = sink::success).subscribe(hole::consume);
        callBack();
    }

    private void callBack() {
        Consumer<Integer> client = this.client;
        if (client != null) {
            client.accept(VALUE);
        }
    }

    /** A body that awaits callbacks of its own loop. */
    @Benchmark
    @OperationsPerInvocation(CALLS)
    public void callbackAwaited(Blackhole hole) throws Exception {
        Asyncio.run(() -> {
            for (int i = 0; i < CALLS; i++) {
                hole.consume(Asyncio.<Integer>await(Callbacks.mono(callback -> callback.success(VALUE))));
            }
        });
    }

    // ---- a listener

    /** Ten million events, sent and received on one thread. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public void listener(Blackhole hole) {
        Listeners.flux(Overflow.dropOldest(256), BridgeBenchmark::fire).subscribe(hole::consume);
    }

    private static void fire(ListenerSink<Integer> sink) {
        for (int i = 0; i < ITEMS; i++) {
            sink.next(VALUE);
        }
        sink.complete();
    }

    /** The same with Flux.create. */
    @Benchmark
    @OperationsPerInvocation(ITEMS)
    public void listenerReactor(Blackhole hole) {
        Flux.<Integer>create(
                        sink -> {
                            for (int i = 0; i < ITEMS; i++) {
                                sink.next(VALUE);
                            }
                            sink.complete();
                        },
                        FluxSink.OverflowStrategy.BUFFER)
                .subscribe(hole::consume);
    }
}
