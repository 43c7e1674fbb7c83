package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

@Timeout(60)
class GatherTest {
    private final IOException oops = new IOException("oops");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static <T> Mono<T> after(int seconds, T value) {
        return sleep(Duration.ofSeconds(seconds), value);
    }

    @Test
    void resultsAreInTheOrderOfTheArguments() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            assertThat(await(gather(after(3, "a"), after(1, "b"), Mono.empty(), Mono.just("d"))))
                    .containsExactly("a", "b", null, "d");
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofSeconds(3));
        });
        StepVerifier.create(gather(sleep(Duration.ofMillis(20), 1), Mono.just(2), Mono.empty()))
                .expectNext(Arrays.asList(1, 2, null))
                .verifyComplete();
    }

    @Test
    void anErrorComesAtOnceAndTheOthersGoOn() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Task<String> other = createTask(after(5, "other"));
            assertThatThrownBy(() ->
                            await(gather(other, sleep(Duration.ofSeconds(1)).then(Mono.error(oops)))))
                    .isSameAs(oops);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofSeconds(1));
            assertThat(other.done()).isFalse();
            assertThat(await(other)).isEqualTo("other");
        });
    }

    @Test
    @DisplayName("GAT-03 with returnExceptions errors are in their places, when all are done")
    void returnExceptions() throws Exception {
        IOException other = new IOException("other");
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            assertThat(await(gather(
                            List.of(
                                    after(3, 3),
                                    after(1, 1),
                                    after(4, 0).then(Mono.error(oops)),
                                    Mono.error(other),
                                    Mono.empty()),
                            true)))
                    .containsExactly(3, 1, oops, other, null);
            assertThat(EventLoop.getRunningLoop().time().minus(start)).isEqualTo(Duration.ofSeconds(4));
        });
        StepVerifier.create(gather(List.of(Mono.just(3), Mono.error(oops)), true))
                .expectNext(List.of(3, oops))
                .verifyComplete();
    }

    @Test
    @DisplayName("GAT-04 a child that is cancelled is an error of gather, which was not cancelled itself")
    void oneCancellation() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Integer> cancelled = new Future<>();
            Future<Integer> other = new Future<>();
            Gather<Integer, List<Integer>> gather =
                    Gather.start(List.of(cancelled, other), loop, Context.empty(), false);
            cancelled.cancel("by someone");
            assertThatThrownBy(() -> await(gather))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("by someone");
            assertThat(gather.cancelled()).isFalse();
            assertThat(gather.exception()).isInstanceOf(CancelledException.class);
            assertThat(other.done()).isFalse();
        });
    }

    @Test
    @DisplayName("GAT-05 with returnExceptions a child that is cancelled has its exception in its place")
    void oneCancellationReturned() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> cancelled = new Future<>();
            cancelled.cancel("x");
            List<Object> results = await(gather(List.of(Mono.just(1), cancelled), true));
            assertThat(results.get(0)).isEqualTo(1);
            assertThat(results.get(1)).isInstanceOf(CancelledException.class);
        });
    }

    @Test
    @DisplayName("GAT-06 gather of nothing is an empty list, in a loop and without one")
    void ofNothing() throws Exception {
        Asyncio.run(() -> assertThat(await(gather(List.<Mono<Integer>>of()))).isEmpty());
        StepVerifier.create(Asyncio.<Integer>gather()).expectNext(List.of()).verifyComplete();
        StepVerifier.create(gather(List.of(), true)).expectNext(List.of()).verifyComplete();
    }

    @Test
    @DisplayName("GAT-07 GAT-08 overridden: children may be of any loop, or of none; the body resumes on its own")
    void childrenOfOtherLoops() throws Exception {
        try (LoopThread one = new LoopThread();
                LoopThread two = new LoopThread()) {
            Future<String> none = new Future<>();
            Asyncio.run(() -> {
                EventLoop loop = EventLoop.getRunningLoop();
                Task<String> first = one.loop.createTask(sleep(Duration.ofMillis(5), "one"));
                Task<String> second = two.loop.createTask(async(() -> {
                    none.setResult("none");
                    return "two";
                }));
                assertThat(await(gather(first, second, none, Mono.just("here"))))
                        .containsExactly("one", "two", "none", "here");
                assertThat(EventLoop.getRunningLoop()).isSameAs(loop);
            });
        }
    }

    @Test
    @DisplayName("GAT-09 the same coroutine given several times runs once and fills every place")
    void duplicates() throws Exception {
        AtomicInteger runs = new AtomicInteger();
        Mono<String> abc = async(() -> {
            runs.incrementAndGet();
            await(sleep(Duration.ZERO));
            return "abc";
        });
        Asyncio.run(() ->
                assertThat(await(gather(abc, abc, Mono.just("def"), abc))).containsExactly("abc", "abc", "def", "abc"));
        assertThat(runs).hasValue(1);
        StepVerifier.create(gather(abc, abc)).expectNext(List.of("abc", "abc")).verifyComplete();
        assertThat(runs).hasValue(2);
    }

    @Test
    @DisplayName("GAT-10 cancelling the task that awaits gather cancels the children and what they await")
    void cancellationBroadcast() throws Exception {
        Asyncio.run(() -> {
            List<String> seen = new ArrayList<>();
            Future<Integer> blocker1 = new Future<>();
            Future<Integer> blocker2 = new Future<>();
            Task<Integer> child1 = createTask(async(() -> await(blocker1)));
            Task<Integer> child2 = createTask(async(() -> await(blocker2)));
            Task<Void> parent = createTask(async(() -> {
                await(gather(child1, child2));
                seen.add("after gather");
            }));
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            assertThat(parent.cancel("enough")).isTrue();
            assertThatThrownBy(() -> await(parent))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            await(sleep(Duration.ZERO)); // each child ends in its own turn
            assertThat(blocker1.cancelled()).isTrue();
            assertThat(blocker2.cancelled()).isTrue();
            assertThat(child1.cancelled()).isTrue();
            assertThat(child2.cancelled()).isTrue();
            assertThat(parent.cancelled()).isTrue();
            assertThat(parent.cancel()).isFalse();
            assertThat(seen).isEmpty();
        });
    }

    @Test
    @DisplayName("GAT-10 disposing of a subscription cancels the children, those that were given too")
    void disposingCancels() throws Exception {
        Future<Integer> given = new Future<>();
        CountDownLatch cleaned = new CountDownLatch(1);
        CountDownLatch started = new CountDownLatch(1);
        Mono<Integer> body = async(() -> {
            try {
                started.countDown();
                await(sleep(Duration.ofHours(1)));
            } finally {
                cleaned.countDown();
            }
            return 1;
        });
        StepVerifier.create(gather(given, body))
                .then(() -> awaitUninterruptibly(started))
                .thenCancel()
                .verify();
        cleaned.await();
        assertThat(given.cancelled()).isTrue();
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void nothingStartsBeforeTheRequest() {
        AtomicInteger started = new AtomicInteger();
        Mono<Integer> counted = Mono.fromCallable(started::incrementAndGet);
        StepVerifier.create(gather(counted, counted.hide()), 0)
                .expectSubscription()
                .thenCancel()
                .verify();
        assertThat(started).hasValue(0);
    }

    @Test
    @DisplayName("GAT-11 the second error is taken as retrieved")
    void secondErrorIsNotReported() throws Exception {
        assertThat(Reported.by(() -> {
                    Task<Integer> first = createTask(after(1, 0).then(Mono.error(oops)));
                    Task<Integer> second = createTask(after(2, 0).then(Mono.error(new IOException("second"))));
                    assertThatThrownBy(() -> await(gather(first, second))).isSameAs(oops);
                    await(sleep(Duration.ofSeconds(5)));
                    assertThat(second.done()).isTrue();
                }))
                .isEmpty();
        assertThat(Reported.by(() -> {
                    Task<Integer> failed = createTask(Mono.error(oops));
                    Task<List<Object>> all = createTask(gather(List.of(failed, Mono.never()), true));
                    await(sleep(Duration.ofSeconds(1)));
                    all.cancel();
                    assertThatThrownBy(() -> await(all)).isInstanceOf(CancelledException.class);
                }))
                .isEmpty();
    }

    @Test
    @DisplayName("GAT-12 cancel is refused when all children are done, though gather has not heard of it")
    void cancelComesTooLate() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> future = new Future<>();
            Mono<Integer> child = async(() -> await(future));
            Gather<Integer, List<Integer>> gather =
                    Gather.start(List.of(child), EventLoop.getRunningLoop(), Context.empty(), false);
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            AtomicReference<Boolean> cancelled = new AtomicReference<>();
            future.addDoneCallback(f -> cancelled.set(gather.cancel()));
            future.setResult(42);
            assertThat(await(gather)).containsExactly(42);
            assertThat(cancelled).hasValue(false);
        });
    }

    @Test
    @DisplayName("GAT-13 with returnExceptions the cancellation of gather is not turned into a result")
    void cancellationIsNotAResult() throws Exception {
        for (String message : new String[] {null, "my message"}) {
            Asyncio.run(() -> {
                Task<Void> parent = createTask(async(() -> {
                    while (true) {
                        await(gather(List.of(sleep(Duration.ofMillis(1)), sleep(Duration.ofHours(1))), true));
                    }
                }));
                await(sleep(Duration.ofMillis(5)));
                parent.cancel(message);
                assertThatThrownBy(() -> await(parent))
                        .isInstanceOf(CancelledException.class)
                        .hasMessage(message);
            });
        }
    }

    @Test
    @DisplayName("GAT-13 also if a child refuses to be cancelled")
    void cancellationThatAChildRefuses() throws Exception {
        VirtualTime.run(() -> {
            List<String> ends = new ArrayList<>();
            Mono<Integer> stubborn = async(() -> {
                try {
                    await(sleep(Duration.ofHours(1)));
                } catch (CancelledException e) {
                    await(sleep(Duration.ofSeconds(1)));
                }
                ends.add("stubborn");
                return 1;
            });
            Task<List<Integer>> parent = createTask(async(() -> await(gather(stubborn))));
            await(sleep(Duration.ofSeconds(1)));
            parent.cancel("stop");
            assertThatThrownBy(() -> await(parent))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("stop");
            assertThat(ends).containsExactly("stubborn");
        });
    }

    @Test
    @DisplayName("GAT-14 a null after a valid argument throws, and leaves no report of the valid one")
    void invalidArgument() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> assertThatThrownBy(() -> gather(async(() -> 1), null))
                    .isInstanceOf(NullPointerException.class)
                    .hasMessage("Argument 1 of 2 is null, not a Mono"));
            assertThat(log.forgotten("made at asyncio.GatherTest")) // the end of a run looks for coroutines that were
                    // never awaited
                    .isEmpty();
        }
    }

    @Test
    void aForgottenGatherIsReportedAndItsArgumentsAreNot() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(GatherTest::forget);
            Collector.collectUntil(
                    () -> !log.forgotten("made at asyncio.GatherTest.forget(").isEmpty());
            assertThat(log.forgotten("made at asyncio.GatherTest.forget("))
                    .singleElement()
                    .asString()
                    .startsWith("Coroutine gather(...) made at asyncio.GatherTest.forget(")
                    .contains("was never awaited");
        }
    }

    private static void forget() {
        gather(async(() -> 1), async(() -> 2)).hashCode();
    }

    @Test
    void resultsThatNobodyGetsAreDiscarded() throws Exception {
        List<Object> discarded = new CopyOnWriteArrayList<>();
        Context context = Operators.enableOnDiscard(Context.empty(), discarded::add);
        EventLoop loop = VirtualTime.newLoop();
        try {
            Future<String> given = loop.createFuture();
            given.setResult("given");
            Mono<List<String>> failing = gather(
                    Mono.just("lost"), given, sleep(Duration.ofSeconds(1)).then(Mono.error(oops)), after(2, "late"));
            assertThatThrownBy(() -> loop.runUntilComplete(failing.contextWrite(context)))
                    .isSameAs(oops);
            assertThat(discarded).isEmpty();
            loop.runUntilComplete(sleep(Duration.ofSeconds(5)));
            assertThat(discarded).containsExactlyInAnyOrder("lost", "late");
        } finally {
            loop.close();
        }
    }

    @Test
    void childrenSeeTheContextOfTheSubscriber() {
        Mono<String> user = Mono.deferContextual(context -> Mono.just(context.get("user")));
        StepVerifier.create(gather(user, async(() -> Asyncio.currentContext().<String>get("user")))
                        .contextWrite(Context.of("user", "ann")))
                .expectNext(List.of("ann", "ann"))
                .verifyComplete();
    }

    @Test
    void aLoopThatIsClosedLeavesNobodyWaiting() {
        EventLoop loop = EventLoop.newEventLoop();
        Future<Integer> outside = new Future<>();
        Gather<Integer, List<Integer>> gather =
                Gather.start(List.of(outside, Mono.never()), loop, Context.empty(), false);
        loop.close();
        StepVerifier.create(gather).verifyError(CancelledException.class);
        assertThatThrownBy(() -> Gather.start(List.of(Mono.just(1)), loop, Context.empty(), false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void childrenBeforeOneThatCannotStartAreCancelled() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            AtomicInteger count = new AtomicInteger();
            Future<Integer> given = new Future<>();
            loop.setTaskFactory(new TaskFactory() {
                @Override
                public <T> Task<T> newTask(EventLoop on, Mono<? extends T> coroutine, TaskOptions options) {
                    if (count.incrementAndGet() == 2) {
                        throw new IllegalStateException("no more");
                    }
                    return on.newTask(coroutine, options);
                }
            });
            assertThatThrownBy(() -> await(gather(Mono.never(), given, Mono.just(1))))
                    .hasMessage("no more");
            loop.setTaskFactory(null);
            await(sleep(Duration.ZERO));
            assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
            assertThat(given.done()).isFalse();
        });
    }

    @Test
    void eagerChildrenThatDoNotSuspendCostNoTick() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            loop.setTaskFactory(Asyncio::eagerTaskFactory);
            List<String> order = new ArrayList<>();
            loop.callSoon(() -> order.add("next tick"));
            assertThat(await(gather(Mono.just(1), Mono.just(2)))).containsExactly(1, 2);
            assertThat(order).isEmpty();
        });
    }

    @Test
    void aMillionChildren() throws Exception {
        int n = 1_000_000;
        Asyncio.run(() -> {
            List<Mono<Integer>> children = new ArrayList<>(n);
            for (int i = 0; i < n; i++) {
                children.add(sleep(Duration.ZERO, i));
            }
            List<Integer> results = await(gather(children));
            for (int i = 0; i < n; i++) {
                if (results.get(i) != i) {
                    throw new AssertionError(results.get(i) + " at " + i);
                }
            }
        });
    }

    @Test
    void aHundredThousandChildrenAreCancelled() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> never = new Future<>();
            List<Future<Integer>> children = new ArrayList<>();
            for (int i = 0; i < 100_000; i++) {
                children.add(new Future<>());
            }
            children.add(never);
            Task<List<Integer>> task = createTask(gather(children));
            await(sleep(Duration.ZERO));
            task.cancel("all");
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(children).allMatch(Future::cancelled);
        });
    }

    @Test
    void cancellingReachesTheInnermostOfManyThatAreNested() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<Object> innermost = new Future<>();
            Future<Object> nested = innermost;
            for (int i = 0; i < 20_000; i++) {
                nested = box(Gather.start(List.of(nested), loop, Context.empty(), false));
            }
            assertThat(nested.cancel("all")).isTrue();
            assertThat(innermost.cancelled()).isTrue();
            Future<Object> outermost = nested;
            assertThatThrownBy(() -> await(outermost)).isInstanceOf(CancelledException.class);
        });
    }

    @SuppressWarnings("unchecked")
    private static Future<Object> box(Future<?> future) {
        return (Future<Object>) future;
    }
}
