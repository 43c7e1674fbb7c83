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
 * Conversions between {@code CompletableFuture} or {@code CompletionStage} and Mono, {@link Future} or
 * {@link asyncio.Task}. Errors are passed on unchanged: {@code CompletionException} is unwrapped. A null result becomes
 * an empty Mono, and vice versa.
 *
 * <p>{@link asyncio.Asyncio#runThreadsafe} starts a coroutine on a loop and returns its CompletableFuture; for a
 * {@code java.util.concurrent.Future} that offers only blocking waits see {@link Blocking#future}.
 *
 * <pre>{@code
 * Mono<Row> row = Futures.toMono(() -> driver.queryAsync(sql), PROPAGATE);
 * CompletableFuture<Row> back = Futures.toCompletableFuture(row, PROPAGATE);
 * }</pre>
 */
public final class Futures {
    private Futures() {}

    /**
     * Returns a cold Mono of work that a supplier starts and returns as a stage: nothing happens until subscription,
     * and each subscription calls the supplier again. A subscriber on a loop resumes on that loop, any other on the
     * thread that completes the stage. A supplier that throws fails the Mono.
     *
     * <p>Cancelling with {@link Cancellation#PROPAGATE} cancels the stage, if it is a Future or has one: a minimal
     * stage keeps running. With {@link Cancellation#DETACH} the stage keeps running; it holds a reference to the
     * subscriber until it completes.
     */
    public static <T> Mono<T> toMono(
            Supplier<? extends CompletionStage<? extends @Nullable T>> supplier, Cancellation cancellation) {
        return new MonoCompletionStage<>(supplier, cancellation);
    }

    /**
     * Returns a Mono of work that is already running; like {@link #toMono(Supplier, Cancellation)}, for an existing
     * stage. All subscribers share it: with {@link Cancellation#PROPAGATE} the first cancelled subscriber cancels it
     * for all.
     */
    public static <T> Mono<T> toMono(CompletionStage<? extends @Nullable T> stage, Cancellation cancellation) {
        Objects.requireNonNull(stage, "stage");
        return toMono(() -> stage, cancellation);
    }

    /**
     * Returns a Future of work that is already running, on the running loop if there is one. With
     * {@link Cancellation#PROPAGATE} cancelling either cancels the other; with {@link Cancellation#DETACH} cancelling
     * the stage cancels the Future, but not vice versa. A minimal stage cannot be cancelled.
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
     * Subscribes now, and returns a future that completes with the Mono's value, null if it is empty, or its error. It
     * completes on the thread where the Mono ends, with the ThreadLocals of this thread if
     * {@code io.micrometer:context-propagation} is on the class path. The Mono sees {@link Asyncio#currentContext()},
     * and these ThreadLocals.
     *
     * <p>With {@link Cancellation#PROPAGATE}, ending the result before the Mono does - by {@code cancel},
     * {@code complete}, {@code orTimeout} - cancels the subscription, and a {@link Future} for all its subscribers.
     * With {@link Cancellation#DETACH} the Mono keeps running. {@code thenApply} and other methods return plain
     * CompletableFutures: as in the JDK, cancelling those does not cancel this one. {@code minimalCompletionStage()}
     * returns a stage that cannot be cancelled.
     */
    public static <T> CompletableFuture<@Nullable T> toCompletableFuture(
            Mono<? extends T> mono, Cancellation cancellation) {
        return MonoToCompletableFuture.start(mono, Objects.requireNonNull(cancellation, "cancellation"));
    }
}
