package asyncio.bridge;

import asyncio.Asyncio;
import asyncio.Future;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Between {@code CompletableFuture}, {@code CompletionStage} and Mono, {@link Future}, {@link asyncio.Task}. Errors
 * come out as they were: {@code CompletionException} is unwrapped. A result of null is an empty Mono, and the other way
 * round.
 *
 * <p>{@link asyncio.Asyncio#runThreadsafe} starts a coroutine on a loop and gives its CompletableFuture; a
 * {@code java.util.concurrent.Future} that can only be waited for is {@link Blocking#future}'s.
 *
 * <pre>{@code
 * Mono<Row> row = Futures.toMono(() -> driver.queryAsync(sql), PROPAGATE);
 * CompletableFuture<Row> back = Futures.toCompletableFuture(row, PROPAGATE);
 * }</pre>
 */
public final class Futures {
    private Futures() {}

    /**
     * Work that starts when it is asked for a stage, as a cold Mono: nothing happens until subscription, and each asks
     * anew. A subscriber that was on a loop goes on on that loop, any other on the thread that completes the stage. A
     * supplier that throws fails the Mono.
     *
     * <p>Cancelling with {@link Cancellation#PROPAGATE} cancels the stage, if it is a Future or has one: a minimal
     * stage goes on. With {@link Cancellation#DETACH} the stage goes on; it remembers the subscriber until it
     * completes.
     */
    public static <T> Mono<T> toMono(
            Supplier<? extends CompletionStage<? extends @Nullable T>> supplier, Cancellation cancellation) {
        return new MonoCompletionStage<>(supplier, cancellation);
    }

    /**
     * Work that has been started, as a Mono: as {@link #toMono(Supplier, Cancellation)} for a stage that is there
     * already. All subscribers share it: with {@link Cancellation#PROPAGATE} the first that is cancelled cancels it for
     * all.
     */
    public static <T> Mono<T> toMono(CompletionStage<? extends @Nullable T> stage, Cancellation cancellation) {
        Objects.requireNonNull(stage, "stage");
        return toMono(() -> stage, cancellation);
    }

    /**
     * Work that has been started, as a Future of the running loop, if there is one. With {@link Cancellation#PROPAGATE}
     * cancelling either cancels the other; with {@link Cancellation#DETACH} a stage that is cancelled cancels the
     * Future, but not the other way round. A minimal stage cannot be cancelled.
     *
     * <p>asyncio: {@code wrap_future}, and {@code shield} around it.
     */
    public static <T> Future<T> toFuture(CompletionStage<? extends @Nullable T> stage, Cancellation cancellation) {
        // NullAway: null is an empty result to a Future
        @SuppressWarnings("unchecked")
        CompletableFuture<T> future = ((CompletionStage<T>) stage).toCompletableFuture();
        return Asyncio.wrapFuture(
                Objects.requireNonNull(cancellation, "cancellation") == Cancellation.PROPAGATE
                        ? future
                        : future.copy());
    }

    /**
     * Subscribes now, and completes with the Mono's value, or null if it is empty, or its error: where the Mono ends,
     * with the ThreadLocals of this thread if {@code io.micrometer:context-propagation} is there. What is awaited sees
     * {@link Asyncio#currentContext()}, and these ThreadLocals.
     *
     * <p>With {@link Cancellation#PROPAGATE}, whoever ends the result before the Mono does - by {@code cancel},
     * {@code complete}, {@code orTimeout} - cancels the subscription, and a {@link Future} for all. With
     * {@link Cancellation#DETACH} the Mono goes on. What {@code thenApply} and others return are plain
     * CompletableFutures: cancelling those reaches nothing, as in the JDK. {@code minimalCompletionStage()} makes a
     * stage that cannot be cancelled.
     */
    public static <T> CompletableFuture<@Nullable T> toCompletableFuture(
            Mono<? extends T> mono, Cancellation cancellation) {
        return MonoToCompletableFuture.start(mono, Objects.requireNonNull(cancellation, "cancellation"));
    }
}
