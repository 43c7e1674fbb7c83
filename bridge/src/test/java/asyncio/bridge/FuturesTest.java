package asyncio.bridge;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.bridge.Cancellation.DETACH;
import static asyncio.bridge.Cancellation.PROPAGATE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.test.publisher.TestPublisher;
import reactor.util.context.Context;

/** CompletableFuture and its stages, to Mono and Future and back. */
@ExtendWith(LeakCheck.class)
class FuturesTest {
    private final Dropped dropped = new Dropped();

    @AfterEach
    void close() {
        dropped.close();
    }

    // ---- to a Mono

    @Test
    void aStageIsAskedForAtEachSubscription() {
        AtomicInteger asked = new AtomicInteger();
        Mono<Integer> mono =
                Futures.toMono(() -> CompletableFuture.completedFuture(asked.incrementAndGet()), PROPAGATE);
        assertThat(asked).hasValue(0);
        StepVerifier.create(mono).expectNext(1).verifyComplete();
        StepVerifier.create(mono).expectNext(2).verifyComplete();
    }

    @Test
    void aStageThatCompletesLaterGivesItsOutcome() {
        CompletableFuture<Integer> value = new CompletableFuture<>();
        StepVerifier.create(Futures.toMono(value, PROPAGATE))
                .then(() -> value.complete(1))
                .expectNext(1)
                .verifyComplete();
        CompletableFuture<Integer> empty = new CompletableFuture<>();
        StepVerifier.create(Futures.toMono(empty, DETACH))
                .then(() -> empty.complete(null))
                .verifyComplete();
    }

    @Test
    void errorsAreUnwrapped() {
        IOException error = new IOException("x");
        CompletableFuture<Integer> failed = CompletableFuture.failedFuture(error);
        for (CompletionStage<Integer> stage : List.of(
                failed,
                failed.thenApply(x -> x),
                failed.copy().thenApply(x -> x),
                CompletableFuture.<Integer>failedFuture(new CompletionException(new ExecutionException(error))),
                failed.minimalCompletionStage())) {
            StepVerifier.create(Futures.toMono(stage, PROPAGATE))
                    .verifyErrorSatisfies(e -> assertThat(e).isSameAs(error));
        }
    }

    @Test
    void aSupplierThatThrowsOrGivesNullFailsTheMono() {
        StepVerifier.create(Futures.<Integer>toMono(
                        () -> {
                            throw new IllegalStateException("refused");
                        },
                        PROPAGATE))
                .verifyErrorMessage("refused");
        StepVerifier.create(Futures.<Integer>toMono(() -> null, PROPAGATE)).verifyError(NullPointerException.class);
    }

    @Test
    void cancellingReachesTheStageIfAsked() {
        CompletableFuture<Integer> propagated = new CompletableFuture<>();
        Futures.toMono(propagated, PROPAGATE).subscribe().dispose();
        assertThat(propagated).isCancelled();
        CompletableFuture<Integer> detached = new CompletableFuture<>();
        Futures.toMono(detached, DETACH)
                .contextWrite(dropped.context())
                .subscribe()
                .dispose();
        assertThat(detached).isNotDone();
        detached.complete(7);
        assertThat(dropped.discarded).containsExactly(7);
        assertThat(dropped.errors).isEmpty();
    }

    @Test
    void aMinimalStageCannotBeCancelled() {
        CompletableFuture<Integer> source = new CompletableFuture<>();
        Futures.toMono(source.minimalCompletionStage(), PROPAGATE)
                .contextWrite(dropped.context())
                .subscribe()
                .dispose();
        assertThat(source).isNotDone();
        source.complete(7);
        assertThat(dropped.discarded).containsExactly(7);
        assertThat(dropped.errors).isEmpty();
    }

    @Test
    void aTaskThatAwaitsCancelsTheStage() throws Exception {
        CompletableFuture<Integer> stage = new CompletableFuture<>();
        Asyncio.run(() -> {
            Task<Integer> task = createTask(Futures.toMono(() -> stage, PROPAGATE));
            await(sleep(Duration.ZERO));
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
        });
        assertThat(stage).isCancelled();
    }

    @Test
    void aStageFromAnotherThreadComesBackOnTheLoop() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<EventLoop> resumed = new Future<>();
            Futures.toMono(() -> CompletableFuture.supplyAsync(() -> 1), PROPAGATE)
                    .subscribe(value -> resumed.trySetResult(EventLoop.getRunningLoop()));
            assertThat(await(resumed)).isSameAs(loop);
        });
    }

    // ---- to a Future

    @Test
    @DisplayName("FUT-12: a thread's future, awaited, gives its value")
    void aStageIsAFuture() throws Exception {
        Asyncio.run(() -> {
            assertThat(await(Futures.toFuture(CompletableFuture.supplyAsync(() -> 1), PROPAGATE)))
                    .isEqualTo(1);
            assertThat(await(Futures.toFuture(
                            CompletableFuture.supplyAsync(() -> 2).minimalCompletionStage(), DETACH)))
                    .isEqualTo(2);
            assertThatThrownBy(() -> await(Futures.toFuture(
                            CompletableFuture.supplyAsync(() -> List.of().get(0)), DETACH)))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        });
    }

    @Test
    @DisplayName("FUT-14: cancelling the wrapper cancels the underlying future, if asked")
    void cancellingTheFutureReachesTheStageIfAsked() throws Exception {
        Asyncio.run(() -> {
            CompletableFuture<Integer> propagated = new CompletableFuture<>();
            CompletableFuture<Integer> detached = new CompletableFuture<>();
            Future<Integer> first = Futures.toFuture(propagated, PROPAGATE);
            Future<Integer> second = Futures.toFuture(detached, DETACH);
            first.cancel();
            second.cancel();
            await(sleep(Duration.ZERO));
            assertThat(propagated).isCancelled();
            assertThat(detached).isNotDone();
        });
    }

    @Test
    void aStageThatIsCancelledCancelsTheFuture() {
        CompletableFuture<Integer> stage = new CompletableFuture<>();
        Future<Integer> propagated = Futures.toFuture(stage, PROPAGATE);
        Future<Integer> detached = Futures.toFuture(stage, DETACH);
        stage.cancel(false);
        assertThat(propagated.cancelled()).isTrue();
        assertThat(detached.cancelled()).isTrue();
    }

    // ---- to a CompletableFuture

    @Test
    void aMonoIsACompletableFuture() {
        assertThat(Futures.toCompletableFuture(Mono.just(1), PROPAGATE)).isCompletedWithValue(1);
        assertThat(Futures.toCompletableFuture(Mono.empty(), PROPAGATE)).isCompletedWithValue(null);
        IOException error = new IOException("x");
        assertThatThrownBy(() -> Futures.toCompletableFuture(Mono.error(error), PROPAGATE)
                        .get())
                .hasCause(error);
    }

    @Test
    void aTaskIsACompletableFuture() throws Exception {
        CompletableFuture<Integer> result = Asyncio.run(() -> {
            CompletableFuture<Integer> future =
                    Futures.toCompletableFuture(createTask(sleep(Duration.ofMillis(1), 3)), PROPAGATE);
            await(Futures.toMono(future, DETACH));
            return future;
        });
        assertThat(result).isCompletedWithValue(3);
    }

    @Test
    void whoeverEndsItEarlyCancelsTheMonoIfAsked() throws Exception {
        for (Cancellation cancellation : Cancellation.values()) {
            for (int way = 0; way < 4; way++) {
                TestPublisher<Integer> source = TestPublisher.create();
                CountDownLatch cancelled = new CountDownLatch(1);
                CompletableFuture<Integer> future =
                        Futures.toCompletableFuture(source.mono().doOnCancel(cancelled::countDown), cancellation);
                switch (way) {
                    case 0 -> assertThat(future.cancel(true)).isTrue();
                    case 1 -> assertThat(future.complete(1)).isTrue();
                    case 2 ->
                        assertThat(future.completeExceptionally(new IOException("x")))
                                .isTrue();
                    default ->
                        assertThatThrownBy(() -> future.orTimeout(1, TimeUnit.MILLISECONDS)
                                        .join())
                                .hasCauseInstanceOf(TimeoutException.class);
                }
                if (cancellation == PROPAGATE) {
                    // the timer's thread completes the future first, then cancels
                    assertThat(cancelled.await(10, TimeUnit.SECONDS)).isTrue();
                } else {
                    source.assertNotCancelled();
                }
            }
        }
    }

    @Test
    void cancellingReachesAFutureOrATaskForAll() {
        Future<Integer> propagated = new Future<>();
        Futures.toCompletableFuture(propagated, PROPAGATE).cancel(true);
        assertThat(propagated.cancelled()).isTrue();
        Future<Integer> detached = new Future<>();
        Futures.toCompletableFuture(detached, DETACH).cancel(true);
        assertThat(detached.done()).isFalse();
    }

    @Test
    void aFutureThatIsCancelledCancelsTheResult() {
        Future<Integer> source = new Future<>();
        CompletableFuture<Integer> future = Futures.toCompletableFuture(source, PROPAGATE);
        source.cancel("why");
        assertThat(future).isCancelled();
        assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
    }

    @Test
    void whatComesTooLateIsDropped() {
        TestPublisher<Integer> value = TestPublisher.create();
        Futures.toCompletableFuture(value.mono().contextWrite(dropped.context()), DETACH)
                .cancel(true);
        value.next(1);
        TestPublisher<Integer> error = TestPublisher.create();
        Futures.toCompletableFuture(error.mono(), DETACH).cancel(true);
        error.error(new IOException("late"));
        assertThat(dropped.errors).singleElement().asString().contains("late");
    }

    @Test
    void dependentStagesArePlain() {
        CompletableFuture<Integer> source = Futures.toCompletableFuture(Mono.never(), PROPAGATE);
        CompletableFuture<Integer> dependent = source.thenApply(x -> x + 1);
        assertThat(dependent.getClass()).isEqualTo(CompletableFuture.class);
        dependent.cancel(true);
        assertThat(source).isNotDone();
        source.cancel(true);
    }

    @Test
    void thereAndBackAgain() {
        Mono<Integer> mono = Mono.just(1);
        for (int i = 0; i < 3; i++) {
            Mono<Integer> before = mono;
            mono = Futures.toMono(() -> Futures.toCompletableFuture(before, PROPAGATE), PROPAGATE);
        }
        StepVerifier.create(mono).expectNext(1).verifyComplete();
        IOException error = new IOException("x");
        Mono<Integer> failing =
                Futures.toMono(() -> Futures.toCompletableFuture(Mono.<Integer>error(error), PROPAGATE), PROPAGATE);
        StepVerifier.create(failing).verifyErrorSatisfies(e -> assertThat(e).isSameAs(error));
    }

    @Test
    void theContextOfATaskGoesAlong() throws Exception {
        String user = Asyncio.run(Asyncio.async(() -> await(Futures.toMono(
                        Futures.toCompletableFuture(
                                Mono.deferContextual(context -> Mono.just(context.<String>get("user"))), PROPAGATE),
                        PROPAGATE)))
                .contextWrite(Context.of("user", "ann")));
        assertThat(user).isEqualTo("ann");
    }
}
