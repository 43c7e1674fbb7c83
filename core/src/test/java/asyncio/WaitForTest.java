package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static asyncio.ScopeStyle.errorOf;
import static asyncio.ScopeStyle.settle;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The cases of CPython's tests of {@code wait_for}, in each style, for a task and directly for a coroutine. */
@Timeout(60)
class WaitForTest {
    private static final Duration LONG = Duration.ofHours(1);

    /** Straight-line and inline; as the coroutine of a task without a thread; for a task, which is a Future. */
    enum Style {
        STRAIGHT_LINE {
            @Override
            <T> Mono<T> of(Mono<T> work, @Nullable Duration limit) {
                return async(() -> await(waitFor(work, limit)));
            }
        },
        STRAIGHT_LINE_TASK {
            @Override
            <T> Mono<T> of(Mono<T> work, @Nullable Duration limit) {
                return async(() -> await(waitFor(createTask(work), limit)));
            }
        },
        REACTIVE {
            @Override
            <T> Mono<T> of(Mono<T> work, @Nullable Duration limit) {
                return waitFor(work, limit);
            }
        },
        REACTIVE_TASK {
            @Override
            <T> Mono<T> of(Mono<T> work, @Nullable Duration limit) {
                return Mono.defer(() -> waitFor(createTask(work), limit)).as(mono -> async(() -> await(mono)));
            }
        };

        abstract <T> Mono<T> of(Mono<T> work, @Nullable Duration limit);
    }

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    /** Keeps running for a while after it was cancelled. */
    private static Mono<String> slowToEnd(List<String> log, Duration cleanUp) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } finally {
                await(sleep(cleanUp));
                log.add("ended");
            }
            return "not reached";
        });
    }

    private static void assertTimedOut(Throwable error) {
        assertThat(error).isInstanceOf(TimeoutException.class).hasCauseInstanceOf(CancelledException.class);
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "WFR-01 WFR-12 cancelled, with or without a limit: the work is, and has ended when the caller hears of it")
    void cancelled(Style style) throws Exception {
        ScopeStyle.run(() -> {
            for (Duration limit : new Duration[] {LONG.multipliedBy(2), null}) {
                List<String> log = new ArrayList<>();
                Task<String> waiter = createTask(style.of(slowToEnd(log, ms(200)), limit));
                await(sleep(ms(100)));
                Duration start = now();
                waiter.cancel();
                assertThat(errorOf(waiter)).isInstanceOf(CancelledException.class);
                assertThat(waiter.cancelled()).isTrue();
                assertThat(log).containsExactly("ended");
                assertThat(now().minus(start)).isEqualTo(ms(200));
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("WFR-02 WFR-06 WFR-10 out of time: the work is cancelled, and has ended when the timeout is thrown")
    void timesOut(Style style) throws Exception {
        ScopeStyle.run(() -> {
            for (Duration cleanUp : List.of(ms(200), Duration.ZERO)) {
                List<String> log = new ArrayList<>();
                Duration start = now();
                Throwable error = errorOf(createTask(style.of(slowToEnd(log, cleanUp), ms(100))));
                assertTimedOut(error);
                assertThat(error).hasMessage("Timed out after PT0.1S");
                assertThat(log).containsExactly("ended");
                assertThat(now().minus(start)).isEqualTo(ms(100).plus(cleanUp));
            }
        });
    }

    @Test
    @DisplayName("WFR-03 no time and a Future that is done: its outcome, whatever that is")
    void doneAlready() throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            Future<String> result = new Future<>();
            result.setResult("done");
            Future<String> failed = new Future<>();
            failed.setException(error);
            Future<String> cancelled = new Future<>();
            cancelled.cancel("before");
            for (Duration none : List.of(Duration.ZERO, ms(-1))) {
                assertThat(await(waitFor(result, none))).isEqualTo("done");
                assertThat(await(createTask(waitFor(result, none)))).isEqualTo("done");
                assertThat(errorOf(createTask(waitFor(failed, none)))).isSameAs(error);
                for (Mono<String> style :
                        List.of(waitFor(cancelled, none), async(() -> await(waitFor(cancelled, none))))) {
                    assertThat(errorOf(createTask(style)))
                            .isInstanceOf(CancelledException.class)
                            .hasMessage("before");
                }
            }
        });
    }

    @Test
    @DisplayName("WFR-05 no time and a task that runs: it is cancelled, its finally block has run; WFR-10 to its end")
    void noTime() throws Exception {
        ScopeStyle.run(() -> {
            for (Duration none : List.of(Duration.ZERO, ms(-1))) {
                for (boolean reactive : new boolean[] {false, true}) {
                    List<String> log = new ArrayList<>();
                    Task<String> task = createTask(slowToEnd(log, ms(200)));
                    await(sleep(ms(10)));
                    Duration start = now();
                    assertTimedOut(errorOf(
                            createTask(reactive ? waitFor(task, none) : async(() -> await(waitFor(task, none))))));
                    assertThat(task.cancelled()).isTrue();
                    assertThat(log).containsExactly("ended");
                    assertThat(now().minus(start)).isEqualTo(ms(200));
                }
            }
        });
    }

    @Test
    @DisplayName("no time, and cancelled while the task ends: it is waited for all the same")
    void noTimeAndCancelled() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean reactive : new boolean[] {false, true}) {
                List<String> log = new ArrayList<>();
                Task<String> task = createTask(slowToEnd(log, ms(200)));
                await(sleep(ms(10)));
                Task<String> waiter = createTask(
                        reactive ? waitFor(task, Duration.ZERO) : async(() -> await(waitFor(task, Duration.ZERO))));
                await(sleep(ms(100)));
                waiter.cancel();
                assertThat(errorOf(waiter)).isInstanceOf(CancelledException.class);
                assertThat(log).containsExactly("ended");
            }
        });
    }

    @Test
    @DisplayName("no time and work that has not begun: it never begins, and is not reported as never awaited")
    void neverBegins() throws Exception {
        try (LogCapture log = new LogCapture()) {
            ScopeStyle.run(() -> {
                AtomicBoolean began = new AtomicBoolean();
                for (Mono<Boolean> work : List.of(
                        waitFor(async(() -> began.getAndSet(true)), Duration.ZERO),
                        waitFor(Mono.fromCallable(() -> began.getAndSet(true)), ms(-1)))) {
                    assertTimedOut(errorOf(createTask(work)));
                    assertTimedOut(errorOf(createTask(async(() -> await(work)))));
                }
                assertThat(began).isFalse();
            });
            System.gc();
            LeakDetector.report();
            assertThat(log.forgotten("made at asyncio.WaitForTest")).isEmpty();
        }
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("WFR-07 no limit; a limit that is not reached")
    void inTime(Style style) throws Exception {
        ScopeStyle.run(() -> {
            assertThat(await(createTask(style.of(sleep(LONG, "value"), null)))).isEqualTo("value");
            assertThat(await(createTask(style.of(sleep(ms(10), "value"), ms(11)))))
                    .isEqualTo("value");
            assertThat(await(createTask(style.of(Mono.<String>empty(), ms(11)))))
                    .isNull();
            IOException error = new IOException("x");
            assertThat(errorOf(createTask(style.of(sleep(ms(10)).then(Mono.error(error)), ms(11)))))
                    .isSameAs(error)
                    .hasNoSuppressedExceptions();
        });
    }

    @Test
    @DisplayName("WFR-08 the result comes in the next tick; and in the tick in which the time is out")
    void race() throws Exception {
        ScopeStyle.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            for (boolean reactive : new boolean[] {false, true}) {
                for (Duration when : new Duration[] {Duration.ZERO, ms(200)}) {
                    Future<String> future = new Future<>();
                    Mono<String> wait = waitFor(future, ms(200));
                    if (when.isZero()) {
                        loop.callSoon(() -> future.setResult("ok"));
                    } else {
                        loop.callLater(when, () -> future.trySetResult("ok"));
                    }
                    assertThat(await(reactive ? createTask(wait) : createTask(async(() -> await(wait)))))
                            .isEqualTo("ok");
                }
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("WFR-09 WFR-13 work that answers the cancellation with a result has that")
    void answersWithResult(Style style) throws Exception {
        ScopeStyle.run(() -> {
            Mono<String> stubborn = async(() -> {
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    return "42";
                }
                return "not reached";
            });
            Task<String> timedOut = createTask(style.of(stubborn, ms(100)));
            assertThat(await(timedOut)).isEqualTo("42");
            assertThat(timedOut.cancelling()).isZero();
            Task<String> cancelled = createTask(style.of(stubborn, LONG.multipliedBy(2)));
            await(sleep(ms(100)));
            cancelled.cancel();
            assertThat(await(cancelled)).isEqualTo("42");
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("WFR-11 work that fails when it is cancelled: its error instead of the timeout, which it says")
    void failsInCleanUp(Style style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("clean-up");
            Throwable thrown = errorOf(createTask(style.of(
                    async(() -> {
                        try {
                            return await(sleep(LONG, "not reached"));
                        } catch (CancelledException e) {
                            throw error;
                        }
                    }),
                    ms(100))));
            assertThat(thrown).isSameAs(error);
            assertThat(thrown.getSuppressed()).hasSize(1).hasOnlyElementsOfType(TimeoutException.class);
        });
    }

    @Test
    @DisplayName("WFR-14 the task ends in the tick in which the waiter is cancelled: the waiter ends cancelled")
    void endsAsTheWaiterIsCancelled() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean reactive : new boolean[] {false, true}) {
                Future<String> inner = new Future<>();
                Mono<String> wait = waitFor(inner, ms(1000));
                Task<String> waiter = createTask(reactive ? wait : async(() -> await(wait)));
                settle();
                inner.setResult("done");
                waiter.cancel();
                assertThat(errorOf(waiter)).isInstanceOf(CancelledException.class);
                assertThat(waiter.cancelled()).isTrue();
                assertThat(inner.result()).isEqualTo("done");
            }
        });
    }

    @Test
    @DisplayName("a foreign Mono is disposed when the time is out; off every loop, too")
    void foreign() {
        AtomicBoolean disposed = new AtomicBoolean();
        StepVerifier.create(waitFor(Mono.never().doOnCancel(() -> disposed.set(true)), ms(5)))
                .verifyErrorSatisfies(WaitForTest::assertTimedOut);
        assertThat(disposed).isTrue();
        StepVerifier.create(waitFor(Mono.just(1), ms(5))).expectNext(1).verifyComplete();
    }
}
