package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

class AwaitTest {
    private static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    // ---- results of await

    @Test
    void anyMonoCanBeAwaited() throws Exception {
        Asyncio.run(() -> {
            assertThat(await(Mono.just(1))).isEqualTo(1);
            assertThat(await(Mono.<Integer>empty())).isNull();
            assertThat(await(Mono.just(1).map(x -> x + 1).delayElement(Duration.ofMillis(1))))
                    .isEqualTo(2);
            assertThat(await(Flux.range(1, 5).collectList())).hasSize(5);
            IOException thrown = new IOException("e");
            assertThatThrownBy(() -> await(Mono.error(thrown))).isSameAs(thrown);
            assertThatThrownBy(() -> await(Mono.error(thrown).delaySubscription(Duration.ofMillis(1))))
                    .isSameAs(thrown);
        });
    }

    @Test
    @DisplayName("decision 9: an Error, or what was wrapped before, comes out of a known Mono as it is")
    void errorsOfKnownMonosArriveAsTheyAre() throws Exception {
        Throwable error = new AssertionError("e");
        Throwable throwable = new Throwable("t");
        Throwable wrapped = Exceptions.propagate(new IOException("wrapped by the user"));
        Asyncio.run(() -> {
            for (Throwable thrown : List.of(error, throwable, wrapped)) {
                assertThatThrownBy(() -> await(Mono.error(thrown))).isSameAs(thrown);
                assertThatThrownBy(() -> await(Mono.error(() -> thrown))).isSameAs(thrown);
                assertThatThrownBy(() -> await(createTask(Mono.error(thrown)))).isSameAs(thrown);
                assertThatThrownBy(() -> await(createTask(Asyncio.waitFor(Mono.error(thrown), null))))
                        .isSameAs(thrown);
            }
        });
    }

    @Test
    void bodiesResumeOnTheirOwnLoop() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (int i = 0; i < 100; i++) {
                await(Mono.just(1).publishOn(Schedulers.parallel()));
                assertThat(loop.netty().inEventLoop()).isTrue();
            }
            EventLoop other = EventLoop.shared().next();
            Future<Integer> foreign = other.createFuture();
            other.callSoonThreadsafe(() -> foreign.setResult(7));
            assertThat(await(foreign))
                    .as("a Future of another loop (decision 14)")
                    .isEqualTo(7);
            assertThat(EventLoop.getRunningLoop()).isSameAs(loop);
        });
    }

    @Test
    @DisplayName("decision 13a: async awaited directly is the same task, and takes no tick")
    void inlineCoroutine() throws Exception {
        Asyncio.run(() -> {
            Task<?> me = Asyncio.currentTask();
            List<String> order = new ArrayList<>();
            EventLoop.getRunningLoop().callSoon(() -> order.add("tick"));
            assertThat(await(async(() -> {
                        assertThat(Asyncio.currentTask()).isSameAs(me);
                        return await(async(() -> 5));
                    })))
                    .isEqualTo(5);
            assertThat(order).isEmpty();
            assertThat(Asyncio.allTasks()).hasSize(1);
        });
    }

    @Test
    @DisplayName("decision 13d: a Future's completion resumes the body in one tick, in the order of completion")
    void oneTick() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<String> order = new ArrayList<>();
            Future<String> future = new Future<>();
            Task<Void> body = createTask(async(() -> {
                await(future);
                order.add("body");
            }));
            tick();
            loop.callSoon(() -> order.add("before"));
            loop.callSoon(() -> future.setResult("x"));
            tick();
            loop.callSoon(() -> order.add("after"));
            await(body);
            assertThat(order).startsWith("before", "body");
        });
    }

    @Test
    @DisplayName("TSK-04 a task cannot await itself")
    void awaitsItself() throws Exception {
        Asyncio.run(() -> {
            Task<?>[] self = new Task<?>[1];
            self[0] = createTask(async(() -> await(self[0])));
            assertThatThrownBy(() -> await(self[0]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot await on itself");
        });
    }

    @Test
    void aBodyHoldsTheLoopBetweenAwaits() throws Exception {
        Asyncio.run(() -> {
            boolean[] other = new boolean[1];
            createTask(async(() -> {
                other[0] = true;
            }));
            Thread.sleep(2); // blocking the loop on purpose
            assertThat(other[0]).isFalse();
            tick();
            assertThat(other[0]).isTrue();
        });
    }

    // ---- cancellation

    @Test
    @DisplayName("decision 13b: a foreign Mono is disposed, and the body resumes, in the next tick")
    void foreignMonoIsDisposed() throws Exception {
        Asyncio.run(() -> {
            List<String> order = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try {
                    await(Mono.never().doOnCancel(() -> order.add("disposed")));
                } catch (CancelledException e) {
                    order.add("cancelled " + e.getMessage());
                }
            }));
            tick();
            task.cancel("why");
            assertThat(order).as("not on the stack of the one who cancels").isEmpty();
            await(task);
            assertThat(order).containsExactly("disposed", "cancelled why");
        });
    }

    @Test
    @DisplayName("decision 13b: our own source ends when it has ended: the body waits for that")
    void ownSourceEndsLater() throws Exception {
        Asyncio.run(() -> {
            Source source = new Source();
            Task<String> task = createTask(async(() -> await(source)));
            tick();
            task.cancel("why");
            assertThat(source.cancelRequests).containsExactly("why");
            tick();
            tick();
            assertThat(task.done()).as("the source has not ended").isFalse();
            source.subscriber.onError(new CancelledException("from source"));
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("from source");

            Source finishes = new Source();
            Task<String> result = createTask(async(() -> await(finishes)));
            tick();
            result.cancel();
            finishes.emit("finished all the same");
            assertThat(await(result)).isEqualTo("finished all the same");
        });
    }

    @Test
    @DisplayName(
            "decision 13c: a value that came before the cancellation, but was not resumed with, goes back exactly once")
    void valueGoesBack() throws Exception {
        Asyncio.run(() -> {
            for (boolean body : new boolean[] {true, false}) {
                Source source = new Source();
                Task<String> task = createTask(body ? async(() -> await(source)) : source);
                tick();
                source.emit("permit");
                task.cancel("too late for the source");
                assertThat(source.cancelRequests).isEmpty();
                assertThatThrownBy(() -> await(task))
                        .isInstanceOf(CancelledException.class)
                        .hasMessage("too late for the source");
                assertThat(source.givenBack).containsExactly("permit");
            }
            List<Object> discarded = new ArrayList<>();
            Future<String> gate = new Future<>();
            Task<String> foreign = createTask(async(() -> await(gate.map(x -> "foreign")))
                    .contextWrite(Context.of("unused", 1))
                    .doOnDiscard(String.class, discarded::add));
            tick();
            foreign.cancel();
            assertThatThrownBy(() -> await(foreign)).isInstanceOf(CancelledException.class);
            assertThat(gate.cancelled())
                    .as("awaited through an operator: only detached from")
                    .isFalse();
        });
    }

    @Test
    void aForeignValueThatComesTooLateIsDiscarded() throws Exception {
        List<Object> discarded = new ArrayList<>();
        Context hook = discardKey(discarded);
        Asyncio.run(() -> {
            Source source = new Source();
            Task<String> task = EventLoop.getRunningLoop().createTask(async(() -> await(source.hide())), null, hook);
            tick();
            source.emit("value");
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
        });
        assertThat(discarded).containsExactly("value");
    }

    /** The context under which Operators.onDiscard finds its hook, as doOnDiscard writes it. */
    private static Context discardKey(List<Object> discarded) {
        Context[] captured = new Context[1];
        Mono.deferContextual(context -> {
                    captured[0] = Context.of(context);
                    return Mono.empty();
                })
                .doOnDiscard(Object.class, discarded::add)
                .subscribe();
        return captured[0];
    }

    /** A source of this library's kind, driven by the test. */
    private static final class Source extends Mono<String> implements AwaitedSubscription<String> {
        final List<@Nullable String> cancelRequests = new ArrayList<>();
        final List<String> givenBack = new ArrayList<>();
        CoreSubscriber<? super String> subscriber;
        private boolean ended;

        @Override
        public void subscribe(CoreSubscriber<? super String> actual) {
            subscriber = actual;
            actual.onSubscribe(this);
        }

        void emit(String value) {
            ended = true;
            subscriber.onNext(value);
            subscriber.onComplete();
        }

        @Override
        public void request(long n) {}

        @Override
        public void cancel() {
            ended = true;
        }

        @Override
        public boolean requestCancel(@Nullable String message) {
            if (ended) {
                return false;
            }
            cancelRequests.add(message);
            return true;
        }

        @Override
        public void giveBack(@Nullable String value) {
            givenBack.add(value);
        }
    }

    @Test
    void anInterruptNeitherWakesABodyNorGetsLost() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            Thread me = Thread.currentThread();
            CountDownLatch interrupted = new CountDownLatch(1);
            new Thread(() -> {
                        me.interrupt();
                        interrupted.countDown();
                    })
                    .start();
            await(Asyncio.toThread(() -> interrupted.await()));
            Task<Void> completer = createTask(async(() -> {
                assertThat(Thread.currentThread().isInterrupted())
                        .as("another body's thread")
                        .isFalse();
                await(sleep(Duration.ofMillis(2)));
                future.setResult("x");
            }));
            assertThat(await(future)).isEqualTo("x");
            assertThat(Thread.interrupted()).isTrue();
            await(completer);
        });
    }

    // ---- async as a Mono

    @Test
    void asyncIsColdAndRunsForEachSubscriber() {
        AtomicInteger runs = new AtomicInteger();
        Mono<Integer> coroutine = async(runs::incrementAndGet);
        assertThat(runs).hasValue(0);
        StepVerifier.create(coroutine).expectNext(1).verifyComplete();
        StepVerifier.create(coroutine).expectNext(2).verifyComplete();
        assertThat(coroutine.block()).isEqualTo(3);
        StepVerifier.create(async(() -> {})).verifyComplete();
        StepVerifier.create(async(() -> {
                    throw new IOException("e");
                }))
                .verifyError(IOException.class);
    }

    @Test
    void asyncSeesTheSubscribersContext() {
        StepVerifier.create(async(() -> {
                            tick();
                            return Asyncio.currentContext().<String>get("user")
                                    + await(Mono.deferContextual(context -> Mono.just(context.<String>get("user"))));
                        })
                        .contextWrite(Context.of("user", "u")))
                .expectNext("uu")
                .verifyComplete();
    }

    @Test
    void cancellingTheSubscriptionCancelsTheTask() throws Exception {
        CompletableFuture<String> ended = new CompletableFuture<>();
        CountDownLatch waiting = new CountDownLatch(1);
        Disposable subscription = async(() -> {
                    try {
                        waiting.countDown();
                        await(sleep(Duration.ofHours(1)));
                    } finally {
                        await(sleep(Duration.ofMillis(1)));
                        ended.complete("after its cleanup");
                    }
                })
                .subscribe();
        waiting.await();
        subscription.dispose();
        assertThat(ended.get()).isEqualTo("after its cleanup");
    }

    @Test
    void manySubscribersUseManyLoops() {
        List<EventLoop> loops = Flux.range(0, EventLoop.shared().size() * 4)
                .flatMap(i -> async(EventLoop::getRunningLoop))
                .collectList()
                .block();
        assertThat(loops).isNotNull();
        assertThat(loops.stream().distinct().count())
                .isEqualTo(EventLoop.shared().size());
    }

    // ---- misuse

    @Test
    void awaitOutsideABodySaysWhatToDo() throws Exception {
        assertThatThrownBy(() -> await(Mono.just(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("outside a body")
                .hasMessageContaining("Asyncio.run")
                .hasMessageContaining("flatMap");
        Asyncio.run(() -> {
            List<Throwable> thrown = new ArrayList<>();
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setExceptionHandler((l, what) -> thrown.add(what.exception()));
            loop.callSoon(() -> {
                try {
                    await(Mono.just(1));
                } catch (Exception e) {
                    throw (RuntimeException) e;
                }
            });
            tick();
            assertThat(thrown).hasSize(1);
            assertThat(thrown.get(0)).isInstanceOf(IllegalStateException.class).hasMessageContaining("callback");
        });
    }

    @Test
    void awaitInAnOperatorSaysWhatToDo() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> future = new Future<>();
            assertThatThrownBy(() -> await(Mono.just(1).map(x -> sneakyAwait(Mono.just(x)))))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("operator")
                    .hasMessageContaining("flatMap");
            EventLoop.getRunningLoop().callSoon(() -> future.setResult(1));
            assertThatThrownBy(() -> await(future.map(x -> sneakyAwait(Mono.just(x)))))
                    .isInstanceOf(IllegalStateException.class);
            int sum = await(Mono.just(1).flatMap(x -> async(() -> await(Mono.just(x + 1)))));
            assertThat(sum).isEqualTo(2);
        });
    }

    private static <T> T sneakyAwait(Mono<T> mono) {
        try {
            return await(mono);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalArgumentException(e);
        }
    }

    @Test
    void createTaskWithoutALoopSaysWhatToDo() {
        assertThatThrownBy(() -> createTask(Mono.just(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("createTask")
                .hasMessageContaining("running event loop")
                .hasMessageContaining("runThreadsafe");
        assertThatThrownBy(Asyncio::allTasks).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void runOnANonBlockingThreadThrows() {
        StepVerifier.create(Mono.fromCallable(() -> Asyncio.<Integer>run(Mono.just(1)))
                        .subscribeOn(Schedulers.parallel()))
                .verifyErrorSatisfies(e ->
                        assertThat(e).isInstanceOf(IllegalStateException.class).hasMessageContaining("async"));
    }

    @Test
    void runOnAThreadBesideThrowsWhatTheBodyThrowsAsItIs() throws Exception {
        for (Exception thrown : List.of(
                new IOException("e"),
                new CompletionException("no cause", null),
                new CompletionException(new IOException("e")),
                new CancelledException("by itself"))) {
            assertThatThrownBy(() -> OnPlatformThread.call(() -> Asyncio.run(() -> {
                        throw thrown;
                    })))
                    .isSameAs(thrown);
        }
        assertThat(OnPlatformThread.<Integer>call(() -> Asyncio.run(() -> 5))).isEqualTo(5);
    }

    @Test
    @DisplayName("TSK-35 (decision 12) a body that returns a Publisher fails: did you forget await?")
    void bodyReturnsAPublisher() throws Exception {
        Asyncio.run(() -> {
            Task<Mono<Integer>> task = createTask(async(() -> Mono.just(1)));
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("did you forget await");
            assertThatThrownBy(() -> await(async(() -> Flux.just(1)))).isInstanceOf(IllegalStateException.class);
        });
    }

    @Test
    void blockFailsAtOnceAndSaysToAwait() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> future = new Future<>();
            assertThatThrownBy(future::block)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("await");
            assertThatThrownBy(() -> future.block(Duration.ofSeconds(1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("await");
            assertThatThrownBy(() -> sleep(Duration.ofMillis(1)).block())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("await");
            Task<Integer> task = createTask(async(() -> Mono.<Integer>never().block()));
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(IllegalStateException.class)
                    .satisfies(e -> assertThat(e.getSuppressed()[0]).hasMessageContaining("await"));
            List<Throwable> inCallback = new ArrayList<>();
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setExceptionHandler((l, what) -> inCallback.add(what.exception()));
            loop.callSoon(() -> Mono.never().block());
            tick();
            assertThat(inCallback).hasSize(1);
            assertThat(inCallback.get(0).getSuppressed()[0]).hasMessageContaining("await");
        });
        Future<Integer> off = new Future<>();
        new Thread(() -> off.setResult(3)).start();
        assertThat(off.block()).as("off every loop blocking is allowed").isEqualTo(3);
    }

    // ---- forgotten coroutines

    @Test
    void aCoroutineThatWasNeverAwaitedIsReportedOncePerPlace() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                for (int i = 0; i < 3; i++) {
                    async(() -> "forgotten"); // on purpose
                }
                Mono<String> used = async(() -> "used");
                assertThat(await(used)).isEqualTo("used");
                createTask(async(() -> "task"));
                String text = await(Mono.just(1).flatMap(x -> async(() -> "subscribed")));
                assertThat(text).isEqualTo("subscribed");
            });
            Collector.collectUntil(
                    () -> !log.forgotten("made at asyncio.AwaitTest").isEmpty());
            assertThat(log.forgotten("made at asyncio.AwaitTest"))
                    .hasSize(1)
                    .allMatch(message -> message.contains("was never awaited"));
        }
    }

    @Test
    @DisplayName("decision 14: await in doOnCancel throws, though the body's own thread disposes")
    void awaitInDoOnCancel() throws Exception {
        Asyncio.run(() -> {
            Future<Object> outcome = new Future<>();
            Task<Object> task = createTask(async(() -> await(Mono.never().doOnCancel(() -> {
                try {
                    await(sleep(Duration.ofMillis(1)));
                    outcome.setResult("slept");
                } catch (Exception e) {
                    outcome.setException(e);
                }
            }))));
            tick();
            tick();
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThatThrownBy(() -> await(outcome))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("operator");
        });
    }

    @Test
    void aCancellationThatReplacesAnotherTakesWhatHangsOnThatOne() throws Exception {
        Asyncio.run(() -> {
            IOException late = new IOException("while it was cancelled");
            CancelledException inner = new CancelledException("inner");
            inner.addSuppressed(late);
            for (boolean body : new boolean[] {false, true}) {
                Sinks.One<Integer> sink = Sinks.one();
                Task<Integer> task = createTask(body ? async(() -> await(sink.asMono())) : sink.asMono());
                await(sleep(Duration.ZERO));
                sink.tryEmitError(inner);
                task.cancel("outer");
                assertThatThrownBy(() -> await(task))
                        .isInstanceOf(CancelledException.class)
                        .satisfies(e -> assertThat(e.getSuppressed()).contains(late));
            }
        });
    }
}
