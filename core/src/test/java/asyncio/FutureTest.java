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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

class FutureTest {
    @Test
    @DisplayName("FUT-01 a new Future is neither done nor cancelled")
    void initialState() {
        Future<String> future = new Future<>();
        assertThat(future.cancelled()).isFalse();
        assertThat(future.done()).isFalse();
        future.cancel();
        assertThat(future.cancelled()).isTrue();
    }

    @Test
    @DisplayName("FUT-02 a Future belongs to the running loop, or to none (decision 2)")
    void belongsToTheRunningLoop() throws Exception {
        assertThat(new Future<String>().getLoop()).isNull();
        Asyncio.run(() -> assertThat(new Future<String>().getLoop()).isSameAs(EventLoop.getRunningLoop()));
    }

    @Test
    @DisplayName("FUT-03 cancel returns true once; asking throws CancelledException, completing InvalidStateException")
    void cancel() {
        Future<String> future = new Future<>();
        assertThat(future.cancel()).isTrue();
        assertThat(future.done()).isTrue();
        assertThatThrownBy(future::result).isInstanceOf(CancelledException.class);
        assertThatThrownBy(future::exception).isInstanceOf(CancelledException.class);
        assertThatThrownBy(() -> future.setResult("x"))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("cancelled")
                .hasMessageContaining("trySetResult");
        assertThatThrownBy(() -> future.setException(new IOException())).isInstanceOf(InvalidStateException.class);
        assertThat(future.cancel()).isFalse();
    }

    @Test
    void aSecondResultIsRefusedAndTheFirstKept() throws Exception {
        Future<Integer> future = new Future<>();
        assertThatThrownBy(future::result)
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("not done");
        future.setResult(1);
        assertThatThrownBy(() -> future.setResult(2))
                .isInstanceOf(InvalidStateException.class)
                .hasMessageContaining("already done");
        assertThat(future.trySetResult(3)).isFalse();
        assertThat(future.trySetException(new IOException())).isFalse();
        assertThat(future.cancel()).isFalse();
        assertThat(future.result()).isEqualTo(1);
        assertThat(future.exception()).isNull();
    }

    @Test
    @DisplayName("FUT-05 an exception is thrown as it is, and may be asked for")
    void exception() {
        Future<String> future = new Future<>();
        assertThatThrownBy(future::exception).isInstanceOf(InvalidStateException.class);
        IOException exception = new IOException("boom");
        future.setException(exception);
        assertThatThrownBy(future::result).isSameAs(exception);
        assertThat(future.exception()).isSameAs(exception);
        assertThatThrownBy(() -> future.setException(new IOException())).isInstanceOf(InvalidStateException.class);
    }

    @Test
    @DisplayName("FUT-07 the message of cancel reaches who awaits")
    void cancelMessage() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            future.cancel("my message");
            assertThatThrownBy(() -> await(future))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("my message");
        });
    }

    @Test
    @DisplayName("FUT-08 awaiting a done Future again gives the same value without suspending")
    void awaitTwice() throws Exception {
        Asyncio.run(() -> {
            Future<Object> future = new Future<>();
            Object value = new Object();
            List<String> order = new ArrayList<>();
            EventLoop.getRunningLoop().callSoon(() -> order.add("callback"));
            future.setResult(value);
            assertThat(await(future)).isSameAs(value);
            assertThat(await(future)).isSameAs(value);
            assertThat(order).isEmpty();
        });
    }

    @Test
    @DisplayName("FUT-09 toString tells state, outcome and callbacks")
    void text() {
        Future<Object> future = new Future<>();
        assertThat(future).hasToString("<Future pending>");
        for (int i = 0; i < 10; i++) {
            future.addDoneCallback(new Named<>("cb" + i));
        }
        assertThat(future).hasToString("<Future pending cb=[cb0, <8 more>, cb9]>");
        future.cancel();
        assertThat(future).hasToString("<Future cancelled>");
        Future<Integer> done = new Future<>();
        done.setResult(4);
        assertThat(done).hasToString("<Future finished result=4>");
        Future<Integer> failed = new Future<>();
        failed.setException(new IllegalStateException());
        assertThat(failed).hasToString("<Future finished exception=java.lang.IllegalStateException>");
        failed.exception();
    }

    private record Named<T>(String name) implements Consumer<Future<T>> {
        @Override
        public void accept(Future<T> future) {}

        @Override
        public String toString() {
            return name;
        }
    }

    @Test
    @DisplayName(
            "FUT-11 an exception that nobody retrieved is logged when the Future is collected; a retrieved one is not")
    void neverRetrieved() {
        try (LogCapture log = new LogCapture()) {
            failAndForget("forgotten");
            Future<Object> asked = failAndForget("asked");
            asked.exception();
            failAndForget("subscribed").subscribe(x -> {}, error -> {});
            asked = null;
            Collector.collectUntil(() -> !log.forgotten("forgotten").isEmpty());
            assertThat(log.forgotten("forgotten")).containsExactly("Future exception was never retrieved");
            assertThat(log.forgotten("asked")).isEmpty();
            assertThat(log.forgotten("subscribed")).isEmpty();
        }
    }

    private static Future<Object> failAndForget(String message) {
        Future<Object> future = new Future<>();
        future.setException(new IOException(message));
        return future;
    }

    @Test
    @DisplayName("FUT-16 callbacks run on the next tick, in the order of registration, not inside setResult")
    void callbacksRunOnTheNextTick() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            List<String> order = new ArrayList<>();
            for (String name : List.of("a", "b", "c")) {
                future.addDoneCallback(done -> order.add(name));
            }
            future.setResult("x");
            assertThat(order).isEmpty();
            await(sleep(Duration.ZERO));
            assertThat(order).containsExactly("a", "b", "c");
            Future<String> failed = new Future<>();
            failed.addDoneCallback(done -> order.add("error " + done.exception().getMessage()));
            failed.setException(new IOException("e"));
            assertThat(order).hasSize(3);
            await(sleep(Duration.ZERO));
            assertThat(order).endsWith("error e");
        });
    }

    @Test
    @DisplayName("FUT-17 removed callbacks are not called; removing twice is harmless")
    void removedCallbacks() throws Exception {
        for (int removed = 0; removed < 3; removed++) {
            int index = removed;
            Asyncio.run(() -> {
                Future<String> future = new Future<>();
                List<Integer> called = new ArrayList<>();
                List<Consumer<Future<String>>> callbacks = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    int number = i;
                    callbacks.add(done -> called.add(number));
                    future.addDoneCallback(callbacks.get(i));
                }
                assertThat(future.removeDoneCallback(callbacks.get(index))).isEqualTo(1);
                assertThat(future.removeDoneCallback(callbacks.get(index))).isZero();
                future.setResult("x");
                await(sleep(Duration.ZERO));
                List<Integer> expected = new ArrayList<>(List.of(0, 1, 2));
                expected.remove(index);
                assertThat(called).isEqualTo(expected);
            });
        }
    }

    @Test
    @DisplayName("FUT-18 removeDoneCallback returns how many equal registrations it removed")
    void removeReturnsTheCount() {
        Future<Object> future = new Future<>();
        assertThat(future.removeDoneCallback(new Named<>("x"))).isZero();
        for (int i = 0; i < 6; i++) {
            future.addDoneCallback(new Named<>("x"));
        }
        future.addDoneCallback(new Named<>("y"));
        assertThat(future.removeDoneCallback(new Named<>("x"))).isEqualTo(6);
        assertThat(future).hasToString("<Future pending cb=[y]>");
    }

    @Test
    @DisplayName("FUT-19 callbacks may add and remove callbacks, also from equals, without skipping others")
    void callbacksMutateTheList() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            List<String> called = new ArrayList<>();
            Consumer<Future<String>> late = done -> called.add("late");
            Consumer<Future<String>> meddler = new Consumer<>() {
                private boolean compared;

                @Override
                public void accept(Future<String> done) {
                    called.add("meddler");
                }

                @Override
                public boolean equals(Object other) {
                    if (!compared) {
                        compared = true;
                        future.removeDoneCallback(late);
                        future.addDoneCallback(done -> called.add("added"));
                    }
                    return false;
                }

                @Override
                public int hashCode() {
                    return 1;
                }
            };
            future.addDoneCallback(meddler);
            future.addDoneCallback(late);
            future.addDoneCallback(done -> {
                called.add("adds");
                done.addDoneCallback(again -> called.add("from callback"));
            });
            assertThat(future.removeDoneCallback(new Named<>("absent"))).isZero();
            future.setResult("x");
            await(sleep(Duration.ZERO));
            assertThat(called).containsExactly("meddler", "adds", "added");
            await(sleep(Duration.ZERO));
            assertThat(called).endsWith("from callback");
        });
    }

    @Test
    @DisplayName("FUT-20 a callback on a done Future is scheduled, never called at once, in the context given")
    void callbackOnDone() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            future.setResult("x");
            List<String> called = new ArrayList<>();
            future.addDoneCallback(done -> called.add(Asyncio.currentContext().get("key")), Context.of("key", "given"));
            assertThat(called).isEmpty();
            await(sleep(Duration.ZERO));
            assertThat(called).containsExactly("given");
        });
    }

    @Test
    @DisplayName("FUT-22 the exception handler runs in the failing callback's context")
    void exceptionHandlerContext() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<String> seen = new ArrayList<>();
            loop.setExceptionHandler((l, what) -> seen.add(what.exception().getMessage() + " "
                    + Asyncio.currentContext().get("key")));
            loop.callSoon(
                    () -> {
                        throw new IllegalStateException("boom");
                    },
                    Context.of("key", "mine"));
            Future<String> done = new Future<>();
            done.setResult("x");
            done.addDoneCallback(
                    future -> {
                        throw new IllegalStateException("bang");
                    },
                    Context.of("key", "theirs"));
            await(sleep(Duration.ZERO));
            assertThat(seen).containsExactly("boom mine", "bang theirs");
        });
    }

    @Test
    @DisplayName("FUT-12 wrapFuture awaits a thread's future; its exception arrives unwrapped")
    void wrapFuture() throws Exception {
        Asyncio.run(() -> {
            Thread[] computedIn = new Thread[1];
            String value = await(Asyncio.wrapFuture(CompletableFuture.supplyAsync(() -> {
                computedIn[0] = Thread.currentThread();
                return "oi";
            })));
            assertThat(value).isEqualTo("oi");
            assertThat(computedIn[0]).isNotSameAs(Thread.currentThread());
            IOException thrown = new IOException("boom");
            CompletableFuture<String> failed =
                    CompletableFuture.<String>failedFuture(thrown).thenApply(x -> x);
            assertThatThrownBy(() -> await(Asyncio.wrapFuture(failed))).isSameAs(thrown);
        });
    }

    @Test
    @DisplayName(
            "FUT-14 FUT-15 cancelling the wrapper cancels the thread's future after a tick, unless that is done; and the other way round")
    void wrapFutureCancel() throws Exception {
        Asyncio.run(() -> {
            CompletableFuture<Integer> pending = new CompletableFuture<>();
            Future<Integer> wrapper = Asyncio.wrapFuture(pending);
            wrapper.cancel();
            await(sleep(Duration.ZERO));
            assertThat(pending.isCancelled()).isTrue();

            CompletableFuture<Integer> done = CompletableFuture.completedFuture(42);
            Future<Integer> cancelled = Asyncio.wrapFuture(done);
            assertThat(cancelled.cancel()).isTrue();
            await(sleep(Duration.ZERO));
            assertThat(cancelled.cancelled()).isTrue();
            assertThat(done.get()).isEqualTo(42);

            CompletableFuture<Integer> other = new CompletableFuture<>();
            Future<Integer> follows = Asyncio.wrapFuture(other);
            other.cancel(true);
            assertThatThrownBy(() -> await(follows)).isInstanceOf(CancelledException.class);
        });
    }

    // ---- as a Mono

    @Test
    void completesAsAMono() {
        Future<String> future = new Future<>();
        StepVerifier.create(future)
                .expectSubscription()
                .then(() -> future.setResult("v"))
                .expectNext("v")
                .verifyComplete();
        StepVerifier.create(future).expectNext("v").verifyComplete();
        Future<String> empty = new Future<>();
        empty.setResult(null);
        StepVerifier.create(empty).verifyComplete();
        Future<String> failed = new Future<>();
        failed.setException(new IOException("e"));
        StepVerifier.create(failed).verifyErrorMessage("e");
        Future<String> cancelled = new Future<>();
        cancelled.cancel("why");
        StepVerifier.create(cancelled)
                .verifyErrorSatisfies(e ->
                        assertThat(e).isInstanceOf(CancelledException.class).hasMessage("why"));
    }

    @Test
    void nothingIsSignalledBeforeDemand() {
        Future<String> future = new Future<>();
        future.setResult("v");
        StepVerifier.create(future, 0)
                .expectSubscription()
                .expectNoEvent(Duration.ofMillis(1))
                .thenRequest(1)
                .expectNext("v")
                .verifyComplete();
    }

    @Test
    void cancellingASubscriptionOnlyDetaches() {
        Future<String> future = new Future<>();
        List<String> seen = new ArrayList<>();
        future.subscribe(seen::add).dispose();
        future.subscribe(seen::add);
        assertThat(future.inners().count()).isEqualTo(1);
        assertThat(future.cancelled()).isFalse();
        future.setResult("v");
        assertThat(seen).containsExactly("v");
    }

    @Test
    void detachedSubscribersLeaveNothingBehind() {
        Future<String> future = new Future<>();
        for (int i = 0; i < 10_000; i++) {
            future.subscribe().dispose();
        }
        assertThat(future.inners().count()).isZero();
    }

    @Test
    void scansItsState() {
        Future<String> future = new Future<>();
        assertThat(future.scan(Scannable.Attr.TERMINATED)).isFalse();
        Disposable subscriber = future.subscribe(value -> {}, error -> {});
        Scannable inner = future.inners().findFirst().orElseThrow();
        assertThat(inner.scan(Scannable.Attr.PARENT)).isSameAs(future);
        assertThat(inner.scan(Scannable.Attr.ACTUAL)).isSameAs(subscriber);
        assertThat(future.scan(Scannable.Attr.RUN_STYLE)).isEqualTo(Scannable.Attr.RunStyle.SYNC);
        future.cancel();
        assertThat(future.scan(Scannable.Attr.CANCELLED)).isTrue();
        assertThat(future.scan(Scannable.Attr.ERROR)).isInstanceOf(CancelledException.class);
        assertThat(inner.scan(Scannable.Attr.TERMINATED)).isTrue();
    }

    @Test
    void offEveryLoopSubscribersHearOnTheCompletingThread() throws Exception {
        Future<String> future = new Future<>();
        CompletableFuture<Thread> heard = new CompletableFuture<>();
        future.subscribe(value -> heard.complete(Thread.currentThread()));
        Thread completer = new Thread(() -> future.setResult("v"));
        completer.start();
        assertThat(heard.get()).isSameAs(completer);
    }

    @Test
    void onALoopSubscribersHearOnTheLoopWhoeverCompletes() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            Future<Boolean> heardOnLoop = new Future<>();
            EventLoop loop = EventLoop.getRunningLoop();
            future.subscribe(value -> heardOnLoop.setResult(loop.netty().inEventLoop()));
            new Thread(() -> future.setResult("v")).start();
            assertThat(await(heardOnLoop)).isTrue();
        });
    }

    @Test
    void aFutureOfAClosedLoopTellsOnTheCompletingThread() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        Future<String> future = loop.createFuture();
        Future<String> other = loop.createFuture();
        List<String> seen = new ArrayList<>();
        future.subscribe(seen::add);
        other.addDoneCallback(done -> seen.add("callback"));
        loop.close();
        future.setResult("v");
        other.setResult("w");
        assertThat(seen).containsExactly("v", "callback");
    }

    @Test
    void aMillionFuturesThatCompleteEachOtherNeedNoStack() {
        AtomicInteger completed = new AtomicInteger();
        Future<Integer> first = new Future<>();
        Future<Integer> previous = first;
        for (int i = 0; i < 1_000_000; i++) {
            Future<Integer> next = new Future<>();
            previous.addDoneCallback(done -> {
                completed.incrementAndGet();
                next.setResult(1);
            });
            previous = next;
        }
        first.setResult(1);
        assertThat(completed).hasValue(1_000_000);
        assertThat(previous.done()).isTrue();
    }

    @Test
    void operatorsAcceptIt() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> a = new Future<>();
            Task<Integer> b = createTask(async(() -> {
                await(sleep(Duration.ofMillis(1)));
                return 2;
            }));
            EventLoop.getRunningLoop().callSoon(() -> a.setResult(1));
            assertThat(await(Mono.zip(a, b, Integer::sum))).isEqualTo(3);
        });
    }
}
