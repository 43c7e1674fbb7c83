package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static asyncio.ScopeStyle.errorOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.internal.loop.LoopCore;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The cases of CPython's tests of timeouts, in each style. */
@org.junit.jupiter.api.Timeout(60)
class TimeoutTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static Duration now() {
        return EventLoop.getRunningLoop().time();
    }

    private static <T> Mono<T> crashInCleanUp(Exception error) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } catch (CancelledException e) {
                throw error;
            }
            return null;
        });
    }

    private static void assertGives(Object value, Mono<?> mono) throws Exception {
        Object given = await(mono);
        assertThat(given).isEqualTo(value);
    }

    private static void assertTimedOut(Throwable error) {
        assertThat(error).isInstanceOf(TimeoutException.class).hasCauseInstanceOf(CancelledException.class);
    }

    @Test
    @DisplayName("TMO-02 a point of the loop's clock; TMO-04 inside there is a CancelledException, outside a timeout")
    void at() throws Exception {
        ScopeStyle.run(() -> {
            Duration when = now().plusMillis(100);
            List<Object> log = new ArrayList<>();
            BodyFunction<Timeout, Void> body = timeout -> {
                log.add(timeout.when());
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    log.add(timeout.expired());
                    throw e;
                }
                return null;
            };
            assertTimedOut(errorOf(createTask(async(() -> await(Timeout.scopeBodyAt(when, body))))));
            assertThat(now()).isEqualTo(when);
            assertThat(log).containsExactly(when, true);
            Duration next = now().plusMillis(100);
            assertTimedOut(errorOf(createTask(Timeout.scopeAt(next, timeout -> Mono.never()))));
            assertThat(now()).isEqualTo(next);
        });
    }

    @Test
    @DisplayName("TMO-02 a scope of operators only, subscribed off every loop")
    void offEveryLoop() {
        StepVerifier.create(Timeout.scope(ms(5), timeout -> Mono.never()))
                .verifyErrorSatisfies(TimeoutTest::assertTimedOut);
        StepVerifier.create(Timeout.scope(LONG, timeout -> Mono.just(timeout.expired())))
                .expectNext(false)
                .verifyComplete();
        StepVerifier.create(Timeout.scopeBody(ms(5), timeout -> await(Mono.never())))
                .verifyErrorSatisfies(TimeoutTest::assertTimedOut);
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TMO-03 nested with one deadline: only the outermost throws, both have expired")
    void sameDeadline(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Object> log = new ArrayList<>();
            Task<Void> task = createTask(Timeout.scope(
                    ms(100),
                    outer -> async(() -> {
                        AtomicReference<Timeout> inner = new AtomicReference<>();
                        try {
                            return await(Timeout.scopeBody(ms(100), timeout -> {
                                inner.set(timeout);
                                try {
                                    return await(Mono.<Void>never());
                                } catch (CancelledException e) {
                                    log.add("inside");
                                    throw e;
                                }
                            }));
                        } catch (CancelledException e) {
                            log.add("between " + outer.expired() + " "
                                    + inner.get().expired());
                            throw e;
                        }
                    })));
            assertTimedOut(errorOf(task));
            // in one task; across tasks, each has its own cancellation
            Task<Void> sameTask = createTask(async(() -> await(Timeout.scopeBody(ms(100), outer -> {
                try {
                    return await(Timeout.scope(ms(100), inner -> Mono.<Void>never()));
                } catch (CancelledException e) {
                    log.add("same task");
                    throw e;
                }
            }))));
            assertTimedOut(errorOf(sameTask));
            assertThat(log).contains("inside", "same task");
            assertThat(sameTask.cancelling()).isZero();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TMO-05 ended in time; TMO-06 no limit")
    void inTime(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicReference<Timeout> left = new AtomicReference<>();
            Duration start = now();
            assertGives("value", createTask(style.timeout(Duration.ofSeconds(10), timeout -> {
                left.set(timeout);
                return await(sleep(ms(10), "value"));
            })));
            assertThat(left.get().expired()).isFalse();
            assertThat(left.get().when()).isEqualTo(start.plusSeconds(10));
            assertGives("value", createTask(style.timeout(null, timeout -> {
                left.set(timeout);
                return await(sleep(ms(10), "value"));
            })));
            assertThat(left.get().expired()).isFalse();
            assertThat(left.get().when()).isNull();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TMO-07 TMO-08 no time, or less: whatever suspends, were it for a tick, is cancelled; else it has its value")
    void noTime(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            for (Duration none : List.of(Duration.ZERO, Duration.ofSeconds(-11))) {
                Duration start = now();
                for (Duration takes : List.of(LONG, Duration.ZERO)) {
                    AtomicReference<Timeout> left = new AtomicReference<>();
                    assertTimedOut(errorOf(createTask(style.timeout(none, timeout -> {
                        left.set(timeout);
                        return await(sleep(takes));
                    }))));
                    if (style == ScopeStyle.REACTIVE_TASK) {
                        assertThat(left.get())
                                .as("a body that is a task never begins")
                                .isNull();
                        continue;
                    }
                    assertThat(left.get().expired()).isTrue();
                    assertThat(left.get().when()).isEqualTo(start.plus(none));
                }
                assertThat(now()).isEqualTo(start);
            }
            assertGives("value", Timeout.scopeBody(Duration.ZERO, timeout -> "value"));
            assertGives("value", createTask(Timeout.scope(Duration.ZERO, timeout -> Mono.just("value"))));
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TMO-09 another exception passes as it is")
    void foreignException(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            AtomicReference<Timeout> left = new AtomicReference<>();
            Throwable thrown = errorOf(createTask(style.timeout(ms(10), timeout -> {
                left.set(timeout);
                throw error;
            })));
            assertThat(thrown).isSameAs(error).hasNoSuppressedExceptions();
            assertThat(left.get().expired()).isFalse();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TMO-10 the cause is the CancelledException; TMO-11 an error of the clean-up comes out, with the timeout")
    void foreignExceptionOnTimeout(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicReference<Throwable> cancelled = new AtomicReference<>();
            Throwable timedOut = errorOf(createTask(style.timeout(ms(10), timeout -> {
                try {
                    return await(sleep(LONG));
                } catch (CancelledException e) {
                    cancelled.set(e);
                    throw e;
                }
            })));
            assertThat(timedOut)
                    .isInstanceOf(TimeoutException.class)
                    .hasCause(cancelled.get())
                    .hasMessage("Timed out after PT0.01S");

            IOException error = new IOException("clean-up");
            AtomicReference<Timeout> left = new AtomicReference<>();
            Throwable thrown = errorOf(createTask(style.timeout(ms(10), timeout -> {
                left.set(timeout);
                return await(crashInCleanUp(error));
            })));
            assertThat(thrown).isSameAs(error);
            assertThat(thrown.getSuppressed()).hasSize(1).hasOnlyElementsOfType(TimeoutException.class);
            assertThat(left.get().expired()).isTrue();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TMO-12 cancelled from elsewhere: a cancellation, not expired; TMO-13 a handled timeout leaves no trace")
    void foreignCancel(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicReference<Timeout> left = new AtomicReference<>();
            Task<Void> task = createTask(style.timeout(Duration.ofSeconds(10), timeout -> {
                left.set(timeout);
                return await(sleep(LONG));
            }));
            await(sleep(ms(10)));
            task.cancel();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(left.get().expired()).isFalse();

            Task<String> handles = createTask(style.<String>timeout(ms(10), timeout -> await(Mono.never()))
                    .onErrorReturn(TimeoutException.class, "handled"));
            assertThat(await(handles)).isEqualTo("handled");
            assertThat(handles.cancelled()).isFalse();
            assertThat(handles.cancelling()).isZero();
        });
    }

    /** A loop whose clock can be moved while the thread is "blocked". */
    private static void withClock(java.util.function.Function<MockTicker, Body> test) throws Exception {
        MockTicker ticker = Ticker.newMockTicker();
        try (Runner runner = Runner.builder()
                .loopFactory(() -> EventLoop.builder().clock(ticker).build())
                .build()) {
            runner.run(test.apply(ticker));
        }
    }

    @Test
    @DisplayName("TMO-14 both deadlines pass while the thread is busy: the inner scope times out, then the outer")
    void concurrent() throws Exception {
        withClock(clock -> () -> {
            List<String> log = new ArrayList<>();
            Throwable error = errorOf(createTask(async(() -> await(Timeout.scopeBody(ms(2), outer -> {
                try {
                    return await(Timeout.scopeBody(ms(100), inner -> {
                        clock.advance(200, java.util.concurrent.TimeUnit.MILLISECONDS);
                        return await(sleep(LONG));
                    }));
                } catch (Exception e) {
                    log.add(e.getClass().getSimpleName());
                    throw e;
                }
            })))));
            assertTimedOut(error);
            // CPython: the cancellation of the outer timeout is pending, too, so the inner one does not claim it
            assertThat(log).containsExactly("CancelledException");
        });
    }

    @Test
    @DisplayName("TMO-15 the inner one is late and handled; the outer one, also past, interrupts the next await")
    void loopBusy() throws Exception {
        withClock(clock -> () -> {
            List<String> log = new ArrayList<>();
            Throwable error = errorOf(createTask(async(() -> await(Timeout.scopeBody(ms(100), outer -> {
                try {
                    await(Timeout.scopeBody(ms(10), inner -> {
                        clock.advance(50, java.util.concurrent.TimeUnit.MILLISECONDS);
                        return await(sleep(LONG));
                    }));
                } catch (TimeoutException e) {
                    log.add("inner");
                }
                clock.advance(100, java.util.concurrent.TimeUnit.MILLISECONDS);
                return await(sleep(LONG));
            })))));
            assertTimedOut(error);
            assertThat(log).containsExactly("inner");
            assertThat(now()).isLessThan(Duration.ofSeconds(1));
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TMO-16 the limit is moved from another task, and taken away; TMO-25 moved into the past it strikes next")
    void reschedule(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            Duration first = now().plusSeconds(10);
            AtomicReference<Timeout> open = new AtomicReference<>();
            Mono<Void> scope = style.timeout(Duration.ofSeconds(10), timeout -> {
                open.set(timeout);
                return await(sleep(LONG));
            });
            Task<Void> task = createTask(scope);
            await(sleep(ms(1)));
            assertThat(open.get().when()).isEqualTo(first);
            open.get().reschedule(first.plusSeconds(20));
            assertThat(open.get().when()).isEqualTo(first.plusSeconds(20));
            open.get().reschedule(null);
            assertThat(open.get().when()).isNull();
            await(sleep(Duration.ofMinutes(10)));
            task.cancel();
            assertThat(errorOf(task)).isInstanceOf(CancelledException.class);
            assertThat(open.get().expired()).isFalse();

            Task<Void> late = createTask(scope);
            await(sleep(ms(1)));
            Duration at = now();
            open.get().reschedule(at.minusSeconds(1));
            assertTimedOut(errorOf(late));
            assertThat(now()).isEqualTo(at);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TMO-17 toString; TMO-22 reschedule of an expiring, expired or finished timeout is refused")
    void states(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicReference<Timeout> left = new AtomicReference<>();
            Duration start = now();
            errorOf(createTask(style.timeout(Duration.ofSeconds(5), timeout -> {
                left.set(timeout);
                assertThat(timeout.toString()).isEqualTo("<Timeout [active] when=" + start.plusSeconds(5) + ">");
                try {
                    return await(sleep(LONG));
                } finally {
                    assertThatThrownBy(() -> timeout.reschedule(null))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("expiring");
                }
            })));
            assertThat(left.get().toString()).isEqualTo("<Timeout [expired]>");
            assertThatThrownBy(() -> left.get().reschedule(null)).hasMessageContaining("expired");
            await(createTask(style.timeout(null, timeout -> {
                left.set(timeout);
                assertThat(timeout.toString()).isEqualTo("<Timeout [active] when=null>");
                return null;
            })));
            assertThat(left.get().toString()).isEqualTo("<Timeout [finished]>");
            assertThatThrownBy(() -> left.get().reschedule(null)).hasMessageContaining("finished");
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TMO-18 a timeout in the finally block of a timeout has its own time")
    void inFinally(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Throwable> inner = new ArrayList<>();
            Task<Void> task = createTask(style.timeout(ms(10), timeout -> {
                try {
                    return await(sleep(LONG));
                } finally {
                    try {
                        await(style.timeout(ms(10), second -> await(sleep(LONG))));
                    } catch (TimeoutException e) {
                        inner.add(e);
                    }
                }
            }));
            assertTimedOut(errorOf(task));
            assertThat(inner).hasSize(1);
            assertTimedOut(inner.get(0));
            assertThat(now()).isEqualTo(ms(20));
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TMO-19 in a task that swallowed a cancellation; TMO-20 cancelled again inside: a cancellation; TMO-26 counts")
    void afterCancellation(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Object> log = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    log.add("swallowed");
                }
                try {
                    await(style.timeout(Duration.ZERO, timeout -> await(sleep(LONG))));
                } catch (TimeoutException e) {
                    log.add(currentTask().cancelling());
                }
                try {
                    await(style.timeout(ms(1000), timeout -> {
                        currentTask().cancel();
                        return await(sleep(LONG));
                    }));
                } catch (CancelledException e) {
                    log.add(currentTask().cancelling());
                }
            }));
            await(sleep(ms(10)));
            task.cancel();
            await(task);
            assertThat(log).containsExactly("swallowed", 1, 2);
        });
    }

    @Test
    @DisplayName("TMO-24 around a group whose task fails in its clean-up: the group, with the timeout in both")
    void aroundGroup() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean reactive : new boolean[] {false, true}) {
                IOException error = new IOException("clean-up");
                Mono<Void> scope = reactive
                        ? Timeout.scope(
                                ms(10),
                                timeout -> TaskGroup.scope(group -> {
                                    group.createTask(crashInCleanUp(error));
                                    return Mono.never();
                                }))
                        : Timeout.scopeBody(
                                ms(10),
                                timeout -> await(TaskGroup.scopeBody(group -> {
                                    group.createTask(crashInCleanUp(error));
                                    return await(sleep(LONG));
                                })));
                Throwable thrown = errorOf(createTask(scope));
                assertThat(((ExceptionGroup) thrown).exceptions()).containsExactly(error);
                assertThat(thrown.getSuppressed()).hasAtLeastOneElementOfType(TimeoutException.class);
                assertThat(error.getSuppressed()).hasSize(1).hasOnlyElementsOfType(TimeoutException.class);
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("what refuses to end has its value, and the cancellation is taken back")
    void refuses(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            Task<String> task = createTask(style.timeout(ms(10), timeout -> {
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    await(sleep(ms(100)));
                }
                return "value";
            }));
            assertThat(await(task)).isEqualTo("value");
            assertThat(task.cancelling()).isZero();
            assertThat(now()).isEqualTo(ms(110));
        });
    }

    @Test
    @DisplayName("no timer is set around what does not suspend, and none is left by what does; nested ones too")
    void timers() throws Exception {
        ScopeStyle.run(() -> {
            LoopCore core = EventLoop.getRunningLoop().core;
            await(Timeout.scopeBody(LONG, outer -> {
                await(Timeout.scopeBody(LONG, inner -> {
                    assertThat(core.timerCount()).isZero();
                    return null;
                }));
                outer.reschedule(now().plusSeconds(1));
                assertThat(core.timerCount()).isEqualTo(1);
                await(Timeout.scope(LONG, inner -> sleep(Duration.ZERO)));
                assertThat(core.timerCount()).isEqualTo(1);
                await(sleep(ms(1)));
                return null;
            }));
            assertThat(core.timerCount()).isZero();
        });
    }
}
