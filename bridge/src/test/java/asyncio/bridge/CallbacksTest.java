package asyncio.bridge;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.Asyncio;
import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.io.IOException;
import java.nio.channels.CompletionHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

/** Callbacks to Monos, and Monos to callbacks. */
@ExtendWith(LeakCheck.class)
class CallbacksTest {
    private final Dropped dropped = new Dropped();

    @AfterEach
    void close() {
        dropped.close();
    }

    /** A registration that keeps its callback for the test to call. */
    private static final class Kept<T> implements Registration<T> {
        final List<Callback<T>> callbacks = new ArrayList<>();

        @Override
        public void register(Callback<T> callback) {
            callbacks.add(callback);
        }

        Callback<T> last() {
            return callbacks.get(callbacks.size() - 1);
        }
    }

    // ---- the shapes

    @Test
    void aPairOfCallbacksIsAMono() {
        Mono<String> mono = Callbacks.mono(callback -> send("ping", callback::success, callback::failure));
        StepVerifier.create(mono).expectNext("ping!").verifyComplete();
        Mono<String> failing = Callbacks.mono(callback -> send("", callback::success, callback::failure));
        StepVerifier.create(failing).verifyErrorMessage("nothing to send");
    }

    private static void send(String request, Consumer<String> success, Consumer<IOException> failure) {
        if (request.isEmpty()) {
            failure.accept(new IOException("nothing to send"));
        } else {
            success.accept(request + "!");
        }
    }

    @Test
    void aBiConsumerIsGivenAnUnwrappedError() {
        IOException error = new IOException("x");
        StepVerifier.create(Callbacks.<Integer>mono(
                        callback -> CompletableFuture.<Integer>failedFuture(new CompletionException(error))
                                .whenComplete(callback.asBiConsumer())))
                .verifyErrorSatisfies(e -> assertThat(e).isSameAs(error));
        StepVerifier.create(Callbacks.<Integer>mono(
                        callback -> CompletableFuture.completedFuture(3).whenComplete(callback.asBiConsumer())))
                .expectNext(3)
                .verifyComplete();
    }

    @Test
    void aCompletionHandlerMayFindItsOutcome() {
        StepVerifier.create(Callbacks.<Integer>mono(callback -> {
                    CompletionHandler<Integer, String> handler = callback.asCompletionHandler();
                    handler.completed(4, "attachment");
                }))
                .expectNext(4)
                .verifyComplete();
        StepVerifier.create(Callbacks.<Integer>mono(callback ->
                        callback.<@Nullable Object>asCompletionHandler().failed(new IOException("x"), null)))
                .verifyErrorMessage("x");
    }

    @Test
    void aNettyFutureIsAMono() {
        DefaultPromise<String> promise = new DefaultPromise<>(ImmediateEventExecutor.INSTANCE);
        StepVerifier.create(Callbacks.<String>mono(callback -> promise.addListener(callback.asFutureListener())))
                .then(() -> promise.setSuccess("ok"))
                .expectNext("ok")
                .verifyComplete();
        StepVerifier.create(
                        Callbacks.<String>mono(callback -> new DefaultPromise<String>(ImmediateEventExecutor.INSTANCE)
                                .setFailure(new IOException("x"))
                                .addListener(callback.asFutureListener())))
                .verifyErrorMessage("x");
    }

    @Test
    void aFutureTakesEveryShapeToo() throws Exception {
        Future<Integer> value = new Future<>();
        Callbacks.of(value).<@Nullable Object>asCompletionHandler().completed(5, null);
        assertThat(value.result()).isEqualTo(5);
        Future<Integer> error = new Future<>();
        Callbacks.of(error).asBiConsumer().accept(null, new CompletionException(new IOException("x")));
        assertThat(error.exception()).isInstanceOf(IOException.class);
        Future<String> netty = new Future<>();
        new DefaultPromise<String>(ImmediateEventExecutor.INSTANCE)
                .setSuccess("ok")
                .addListener(Callbacks.of(netty).asFutureListener());
        assertThat(netty.result()).isEqualTo("ok");
    }

    @Test
    void nullIsAnEmptyMono() {
        StepVerifier.create(Callbacks.mono(callback -> callback.success(null))).verifyComplete();
    }

    // ---- once

    @Test
    void eachSubscriptionRegistersAnewAndOnlyThen() {
        Kept<String> kept = new Kept<>();
        Mono<String> mono = Callbacks.mono(kept);
        assertThat(kept.callbacks).isEmpty();
        StepVerifier.create(mono, 0).expectSubscription().thenCancel().verify();
        assertThat(kept.callbacks).as("without demand").isEmpty();
        mono.subscribe();
        mono.subscribe();
        assertThat(kept.callbacks).hasSize(2);
    }

    @Test
    void onlyTheFirstOutcomeCounts() {
        Kept<String> kept = new Kept<>();
        List<String> got = new ArrayList<>();
        Callbacks.mono(kept).subscribe(got::add);
        kept.last().success("a");
        kept.last().success("b");
        kept.last().failure(new IOException("c"));
        kept.last().success(null);
        assertThat(got).containsExactly("a");
        assertThat(dropped.values).containsExactly("b");
        assertThat(dropped.errors).singleElement().asString().contains("c");
    }

    @Test
    void aRegistrationThatThrowsFailsTheMonoOnce() {
        AtomicReference<Callback<String>> kept = new AtomicReference<>();
        StepVerifier.create(Callbacks.<String>mono(callback -> {
                    kept.set(callback);
                    throw new IOException("refused");
                }))
                .verifyErrorMessage("refused");
        kept.get().success("late");
        assertThat(dropped.values).containsExactly("late");
    }

    @Test
    void aThrowAfterTheCallbackIsDropped() {
        StepVerifier.create(Callbacks.<String>mono(callback -> {
                    callback.success("first");
                    throw new IOException("after");
                }))
                .expectNext("first")
                .verifyComplete();
        assertThat(dropped.errors).singleElement().asString().contains("after");
    }

    @Test
    void whatComesAfterACancellationIsDiscarded() {
        Kept<String> kept = new Kept<>();
        Mono<String> mono = Callbacks.mono(kept).contextWrite(dropped.context());
        mono.subscribe().dispose();
        kept.last().success("late");
        assertThat(dropped.discarded).containsExactly("late");
        mono.subscribe().dispose();
        kept.last().failure(new CancellationException("the echo"));
        assertThat(dropped.errors).isEmpty();
        mono.subscribe().dispose();
        kept.last().failure(new IOException("late"));
        assertThat(dropped.errors).hasSize(1);
        assertThat(dropped.values).isEmpty();
    }

    @Test
    void aFutureThatIsDoneDropsWhatComesLater() throws Exception {
        Future<String> done = new Future<>();
        Callback<String> callback = Callbacks.of(done);
        callback.success("a");
        callback.success("b");
        callback.failure(new IOException("c"));
        assertThat(done.result()).isEqualTo("a");
        assertThat(dropped.values).containsExactly("b");
        assertThat(dropped.errors).hasSize(1);
        Future<String> cancelled = new Future<>();
        cancelled.cancel();
        Callbacks.of(cancelled).failure(new CancellationException("the echo"));
        assertThat(dropped.errors).hasSize(1);
    }

    // ---- clean-up

    @Test
    void cleanUpsRunFromTheLastToTheFirstAndOnce() {
        Kept<String> kept = new Kept<>();
        List<String> log = new ArrayList<>();
        Disposable subscription = Callbacks.mono(kept).subscribe();
        kept.last()
                .onDispose(() -> log.add("1"))
                .onCancel(() -> log.add("2"), () -> log.add("3"))
                .onDispose(() -> {
                    throw new IllegalStateException("4");
                });
        subscription.dispose();
        subscription.dispose();
        assertThat(log).containsExactly("3", "2", "1");
        assertThat(dropped.errors).singleElement().asString().contains("4");
        kept.last().success("late");
        assertThat(log).hasSize(3);
    }

    @Test
    void anOutcomeRunsOnlyWhatIsToBeReleasedInAnyCase() {
        Kept<String> kept = new Kept<>();
        List<String> log = new ArrayList<>();
        Callbacks.mono(kept).subscribe(value -> log.add("value"));
        kept.last().onCancel(() -> log.add("cancel")).onDispose(() -> log.add("dispose"));
        kept.last().success("x");
        assertThat(log).containsExactly("dispose", "value");
    }

    @Test
    void aHandleThatComesLateIsDisposedOfAtOnce() {
        Kept<String> kept = new Kept<>();
        List<String> log = new ArrayList<>();
        Callbacks.mono(kept).subscribe().dispose();
        kept.last().onCancel(() -> log.add("cancel")).onDispose(() -> log.add("dispose"));
        assertThat(log).containsExactly("cancel", "dispose");
        log.clear();
        Callbacks.<String>mono(callback -> {
                    callback.success("x");
                    callback.onCancel(() -> log.add("cancel")).onDispose(() -> log.add("dispose"));
                })
                .subscribe();
        assertThat(log).containsExactly("dispose");
    }

    @Test
    void aFutureRunsCleanUpsToo() {
        List<String> log = new ArrayList<>();
        Future<String> cancelled = new Future<>();
        Callbacks.of(cancelled).onCancel(() -> log.add("cancel")).onDispose(() -> log.add("dispose"));
        cancelled.cancel();
        assertThat(log).containsExactlyInAnyOrder("cancel", "dispose");
        log.clear();
        Future<String> done = new Future<>();
        Callbacks.of(done).onCancel(() -> log.add("cancel")).onDispose(() -> log.add("dispose"));
        done.setResult("x");
        assertThat(log).containsExactly("dispose");
    }

    // ---- threads, tasks, contexts

    @Test
    void aCallbackFromAnotherThreadComesBackOnTheLoop() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<EventLoop> resumed = new Future<>();
            Callbacks.<String>mono(callback -> new Thread(() -> callback.success("x"), "legacy-client").start())
                    .subscribe(value -> resumed.trySetResult(EventLoop.getRunningLoop()));
            assertThat(await(resumed)).isSameAs(loop);
        });
    }

    @Test
    void aTaskThatIsCancelledCancelsTheCallAndResumesAtOnce() throws Exception {
        Kept<String> kept = new Kept<>();
        CountDownLatch aborted = new CountDownLatch(1);
        Asyncio.run(() -> {
            Task<String> task = createTask(Callbacks.mono(callback -> {
                kept.register(callback);
                callback.onCancel(aborted::countDown);
            }));
            await(sleep(Duration.ZERO));
            task.cancel("enough");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
        });
        assertThat(aborted.getCount()).isZero();
        kept.last().success("late");
        assertThat(dropped.values).isEmpty();
    }

    @Test
    void aValueThatCameBeforeACancelledTaskResumedIsDiscarded() throws Exception {
        Kept<String> kept = new Kept<>();
        Asyncio.run(() -> {
            Task<String> task = EventLoop.getRunningLoop().createTask(Callbacks.mono(kept), "t", dropped.context());
            await(sleep(Duration.ZERO));
            kept.last().success("value");
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
        });
        assertThat(dropped.discarded).containsExactly("value");
    }

    @Test
    void aMillionSynchronousCallbacksNeedNoStack() {
        Mono<Integer> one = Callbacks.mono(callback -> callback.success(1));
        StepVerifier.create(one.repeat(999_999).count()).expectNext(1_000_000L).verifyComplete();
    }

    @Test
    void theRegistrationSeesTheContextOfTheSubscriber() {
        StepVerifier.create(Callbacks.<String>mono(
                                callback -> callback.success(callback.context().get("user")))
                        .contextWrite(Context.of("user", "ann")))
                .expectNext("ann")
                .verifyComplete();
    }

    // ---- the other direction

    private record Outcome(@Nullable Object value, @Nullable Throwable error) {}

    private static BiConsumer<@Nullable Object, @Nullable Throwable> into(List<Outcome> outcomes) {
        return (value, error) -> outcomes.add(new Outcome(value, error));
    }

    @Test
    void aMonoCallsBackOnceWithItsOutcome() {
        List<Outcome> outcomes = new ArrayList<>();
        IOException error = new IOException("x");
        Callbacks.whenComplete(Mono.just(1), into(outcomes), Cancellation.PROPAGATE);
        Callbacks.whenComplete(Mono.empty(), into(outcomes), Cancellation.PROPAGATE);
        Callbacks.whenComplete(Mono.error(error), into(outcomes), Cancellation.DETACH);
        assertThat(outcomes).containsExactly(new Outcome(1, null), new Outcome(null, null), new Outcome(null, error));
    }

    @Test
    void aMonoCallsACompletionHandler() {
        List<String> log = new ArrayList<>();
        CompletionHandler<@Nullable Integer, String> handler = new CompletionHandler<>() {
            @Override
            public void completed(@Nullable Integer value, String attachment) {
                log.add(attachment + value);
            }

            @Override
            public void failed(Throwable error, String attachment) {
                log.add(attachment + error.getMessage());
            }
        };
        Callbacks.whenComplete(Mono.just(1), "a", handler, Cancellation.PROPAGATE);
        Callbacks.whenComplete(Mono.error(new IOException("x")), "b", handler, Cancellation.PROPAGATE);
        assertThat(log).containsExactly("a1", "bx");
    }

    @Test
    void theHandlePropagatesOrDetachesAsAsked() {
        List<Outcome> outcomes = new ArrayList<>();
        Future<Integer> cancelled = new Future<>();
        Callbacks.whenComplete(cancelled, into(outcomes), Cancellation.PROPAGATE)
                .dispose();
        assertThat(cancelled.cancelled()).isTrue();
        Future<Integer> detached = new Future<>();
        Disposable handle = Callbacks.whenComplete(detached, into(outcomes), Cancellation.DETACH);
        handle.dispose();
        assertThat(handle.isDisposed()).isTrue();
        assertThat(detached.done()).isFalse();
        detached.setException(new IOException("unheard"));
        assertThat(outcomes).isEmpty();
        assertThat(dropped.errors).singleElement().asString().contains("unheard");
    }

    @Test
    void whatTheCallbackThrowsIsDropped() {
        Callbacks.whenComplete(
                Mono.just(1),
                (value, error) -> {
                    throw new IllegalStateException("of the user");
                },
                Cancellation.PROPAGATE);
        assertThat(dropped.errors).singleElement().asString().contains("of the user");
    }

    @Test
    void aCallbackRegisteredOnALoopComesBackThere() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            CompletableFuture<Integer> elsewhere = new CompletableFuture<>();
            Future<EventLoop> called = new Future<>();
            Callbacks.whenComplete(
                    Mono.fromFuture(elsewhere),
                    (value, error) -> called.trySetResult(EventLoop.runningOrNull()),
                    Cancellation.PROPAGATE);
            new Thread(() -> elsewhere.complete(1)).start();
            assertThat(await(called)).isSameAs(loop);
        });
    }

    @Test
    void aHandleDisposedBetweenTheEndAndTheTickWins() throws Exception {
        List<Outcome> outcomes = new ArrayList<>();
        Asyncio.run(() -> {
            Disposable handle = Callbacks.whenComplete(
                    Mono.just(1).contextWrite(dropped.context()), into(outcomes), Cancellation.PROPAGATE);
            handle.dispose();
            await(sleep(Duration.ofMillis(1)));
        });
        assertThat(outcomes).isEmpty();
    }

    @Test
    void aClosedLoopLeavesNobodyHanging() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        CompletableFuture<Integer> elsewhere = new CompletableFuture<>();
        CountDownLatch called = new CountDownLatch(1);
        loop.callSoon(() -> {
            Callbacks.whenComplete(
                    Mono.fromFuture(elsewhere), (value, error) -> called.countDown(), Cancellation.PROPAGATE);
            loop.stop();
        });
        loop.runForever();
        loop.close();
        elsewhere.complete(1);
        assertThat(called.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    @DisplayName("THR-05: what is awaited sees the context of the one who registered")
    void theContextOfATaskGoesAlong() throws Exception {
        AtomicReference<String> seen = new AtomicReference<>();
        Asyncio.run(Asyncio.async(() -> {
                    Future<Void> done = new Future<>();
                    Callbacks.whenComplete(
                            Mono.deferContextual(context -> Mono.just(context.<String>get("user"))),
                            (user, error) -> {
                                seen.set(user);
                                done.setResult(null);
                            },
                            Cancellation.PROPAGATE);
                    await(done);
                })
                .contextWrite(Context.of("user", "ann")));
        assertThat(seen.get()).isEqualTo("ann");
    }
}
