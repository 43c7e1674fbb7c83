package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.race;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Errors that end a program are thrown unchanged, with the other failures among their suppressed exceptions. */
@Timeout(60)
class SuppressedTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static int overflow(int n) {
        return overflow(n + 1) + 1;
    }

    private static Mono<Void> overflowing() {
        return async(() -> {
            overflow(0);
        });
    }

    // ---- run

    @Test
    void runThrowsTheFatalErrorOfAChildOfAGroup() {
        assertThat(catchThrowable(() -> Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
                    group.createTask(overflowing());
                    return 1;
                })))))
                .isInstanceOf(StackOverflowError.class);
    }

    @Test
    void runThrowsTheFatalErrorOfOneThatIsGatheredWithAPendingOne() {
        assertThat(catchThrowable(() -> Asyncio.run(() -> await(gather(overflowing(), sleep(LONG))))))
                .isInstanceOf(StackOverflowError.class);
    }

    @Test
    void runThrowsTheFatalErrorOfAReactiveScope() {
        assertThat(catchThrowable(() -> Asyncio.run(TaskGroup.scope(group -> {
                    group.createTask(overflowing());
                    return sleep(LONG);
                }))))
                .isInstanceOf(StackOverflowError.class);
    }

    @Test
    void aRunnerInTryWithResourcesThrowsTheFatalErrorOfItsRun() {
        assertThat(catchThrowable(() -> {
                    try (Runner runner = new Runner()) {
                        runner.run(gather(overflowing(), sleep(LONG)));
                    }
                }))
                .isInstanceOf(StackOverflowError.class);
    }

    @Test
    void aRunnerThrowsAnErrorThatComesAtItsEnd() throws Exception {
        InternalError atTheEnd = new InternalError("at the end");
        Runner runner = new Runner();
        runner.run(() -> {
            createTask(async(() -> {
                try {
                    await(sleep(LONG));
                } finally {
                    throwIt(atTheEnd);
                }
            }));
            await(sleep(Duration.ZERO));
        });
        assertThat(catchThrowable(runner::close)).isSameAs(atTheEnd);
        assertThatCode(runner::close).doesNotThrowAnyException();
    }

    @Test
    void anErrorAtTheEndThatLeadsToThatOfTheRunMakesNoCircle() {
        InternalError first = new InternalError("first");
        InternalError second = new InternalError("second", first);
        Throwable thrown = catchThrowable(() -> Asyncio.run(() -> {
            createTask(async(() -> throwIt(first)));
            try {
                await(sleep(LONG));
            } finally {
                throwIt(second);
            }
        }));
        assertThat(thrown).isSameAs(first);
        assertThat(first.getSuppressed()).hasSize(1);
        assertThat(first.getSuppressed()[0]).hasMessageContaining("second").hasNoCause();
    }

    private static void throwIt(Error error) {
        throw error;
    }

    // ---- groups

    @Test
    void aGroupThatEndsWithAFatalErrorKeepsWhatElseHadFailed() {
        InternalError fatal = new InternalError("fatal");
        Throwable thrown = catchThrowable(() -> Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
            group.createTask(async(() -> {
                throw new IOException("lost");
            }));
            try {
                await(sleep(LONG));
            } finally {
                throwIt(fatal);
            }
            return 1;
        }))));
        assertThat(thrown).isSameAs(fatal);
        assertThat(fatal.getSuppressed())
                .singleElement()
                .satisfies(e -> assertThat(e).isInstanceOf(IOException.class).hasMessage("lost"));
    }

    @Test
    void ofTwoFatalErrorsTheFirstEndsTheGroupAndKeepsTheOther() throws Exception {
        InternalError first = new InternalError("first");
        InternalError second = new InternalError("second");
        EventLoop loop = EventLoop.newEventLoop();
        Task<Integer> scope = loop.createTask(TaskGroup.scopeBody(group -> {
            group.createTask(async(() -> throwIt(first)));
            try {
                await(sleep(LONG));
            } finally {
                throwIt(second);
            }
            return 1;
        }));
        assertThat(catchThrowable(() -> loop.runUntilComplete(scope))).isSameAs(first);
        catchThrowable(() -> loop.runUntilComplete(scope));
        loop.close();
        assertThat(scope.exception()).isSameAs(first);
        assertThat(first.getSuppressed()).containsExactly(second);
    }

    @Test
    void theSameErrorOfChildAndBodyIsTold() {
        IOException same = new IOException("same");
        Throwable thrown = catchThrowable(() -> Asyncio.run(() -> await(TaskGroup.scopeBody(group -> {
            Task<Integer> child = group.createTask(Mono.<Integer>error(same));
            try {
                return await(child);
            } finally {
                throwIt(new InternalError("fatal", same));
            }
        }))));
        assertThat(thrown).isInstanceOf(InternalError.class).hasCause(same);
        assertThat(thrown.getSuppressed()).isEmpty(); // its cause is enough
    }

    // ---- combinators

    @Test
    void mapConcurrentEndsWithAnErrorThatSeveralShare() {
        IOException same = new IOException("same");
        IOException around = new IOException("around", same);
        Throwable thrown = catchThrowable(() -> Asyncio.run(() -> await(Asyncio.mapConcurrent(
                        Flux.range(0, 3),
                        3,
                        i -> i == 0
                                ? failsWhenCancelled(around)
                                : i == 1
                                        ? failsWhenCancelled(same)
                                        : sleep(Duration.ofMillis(1)).then(Mono.<Integer>error(same)))
                .then())));
        assertThat(thrown).isSameAs(same);
        assertThat(same.getSuppressed())
                .singleElement()
                .satisfies(e -> assertThat(e).hasMessageContaining("around").hasNoCause());
    }

    private static Mono<Integer> failsWhenCancelled(IOException error) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } catch (CancelledException e) {
                throw error;
            }
            return 0;
        });
    }

    @Test
    void aRaceThatIsCancelledTellsOfAnErrorThatSeveralShare() throws Exception {
        IOException same = new IOException("same");
        Asyncio.run(() -> {
            Task<Integer> task = createTask(race(List.of(failsWhenCancelled(same), failsWhenCancelled(same))));
            await(sleep(Duration.ofMillis(1)));
            task.cancel();
            Throwable thrown = catchThrowable(() -> await(task));
            assertThat(thrown).isInstanceOf(CancelledException.class);
            assertThat(thrown.getSuppressed()).contains(same);
        });
    }

    // ---- adding

    @Test
    void anExceptionIsNotAddedToItself() {
        IOException e = new IOException();
        assertThat(Suppressed.add(e, e)).isSameAs(e);
        assertThat(e.getSuppressed()).isEmpty();
    }

    @Test
    void aCircleThroughCausesAndSuppressedOnesIsCut() {
        IOException e = new IOException("e");
        IllegalStateException between = new IllegalStateException("between", new RuntimeException(e));
        IllegalArgumentException other = new IllegalArgumentException("other");
        other.addSuppressed(between);
        Suppressed.add(e, other);
        assertThat(e.getSuppressed()).singleElement().satisfies(copy -> {
            assertThat(copy).hasMessageContaining("IllegalArgumentException").hasMessageContaining("other");
            assertThat(copy.getStackTrace()).isEqualTo(other.getStackTrace());
            assertThat(copy.getCause()).isNull();
            assertThat(copy.getSuppressed()).isEmpty();
        });
    }

    @Test
    void anExceptionWhoseGetCauseThrowsIsAdded() {
        class Hostile extends Exception {
            private static final long serialVersionUID = 1;

            @Override
            public Throwable getCause() {
                throw new IllegalStateException("getCause");
            }
        }
        IOException e = new IOException("e");
        Hostile hostile = new Hostile();
        Suppressed.add(e, hostile);
        assertThat(e.getSuppressed()).containsExactly(hostile);
        Suppressed.add(hostile, e);
    }

    // ---- errors that other code shares

    @Test
    void aConstantErrorDoesNotGrowWithEachTimeLimit() throws Exception {
        IOException constant = new IOException("the same each time");
        IOException member = new IOException("the same in each group");
        Asyncio.run(() -> {
            for (int i = 0; i < 20; i++) {
                assertThat(catchThrowable(() -> await(asyncio.Timeout.scopeBody(Duration.ofMillis(1), limit -> {
                            try {
                                return await(sleep(LONG));
                            } catch (CancelledException e) {
                                throw constant;
                            }
                        }))))
                        .isSameAs(constant);
                assertThat(catchThrowable(() -> await(asyncio.Timeout.scopeBody(Duration.ofMillis(1), limit -> {
                            try {
                                return await(sleep(LONG));
                            } catch (CancelledException e) {
                                throw new ExceptionGroup("members", List.of(member));
                            }
                        }))))
                        .isInstanceOf(ExceptionGroup.class);
            }
        });
        assertThat(constant.getSuppressed()).hasSize(1);
        assertThat(member.getSuppressed()).hasSize(1);
    }

    @Test
    void aConstantErrorDoesNotGrowWithEachMappingWithoutEnd() throws Exception {
        IOException constant = new IOException("the same each time");
        java.util.concurrent.atomic.AtomicInteger dropped = new java.util.concurrent.atomic.AtomicInteger();
        reactor.util.context.Context hook =
                reactor.util.context.Context.of("reactor.onErrorDropped.local", (java.util.function.Consumer<Throwable>)
                        e -> dropped.incrementAndGet());
        for (int i = 0; i < 150; i++) {
            assertThat(catchThrowable(() -> Asyncio.run(Asyncio.mapConcurrent(
                                    Flux.just(1, 2),
                                    2,
                                    n -> n == 1
                                            ? async(() -> {
                                                await(sleep(Duration.ZERO));
                                                throw constant;
                                            })
                                            : async(() -> {
                                                try {
                                                    await(sleep(LONG));
                                                } catch (CancelledException e) {
                                                    throw new IOException("late");
                                                }
                                            }))
                            .then()
                            .contextWrite(hook))))
                    .isSameAs(constant);
        }
        assertThat(constant.getSuppressed()).hasSize(100);
        assertThat(dropped).hasValue(50);
    }

    @Test
    void aGroupLeavesTheCancellationOfAFutureAlone() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> cancelled = EventLoop.getRunningLoop().createFuture();
            cancelled.cancel("by another");
            CancelledException before = cancelled.cancellation();
            IOException late = new IOException("late");
            Throwable thrown = catchThrowable(() -> await(TaskGroup.scope(group -> {
                group.createTask(Mono.<Integer>never().doOnCancel(() -> {
                    throw new IllegalStateException("late");
                }));
                Task<Void> other = group.createTask(async(() -> {
                    Future<Integer> failed = EventLoop.getRunningLoop().createFuture();
                    EventLoop.getRunningLoop().callSoon(() -> failed.setException(late));
                    EventLoop.getRunningLoop().callSoon(currentTask()::cancel);
                    await(failed.thenReturn(1));
                }));
                return sleep(Duration.ZERO)
                        .then(sleep(Duration.ZERO))
                        .then(other.whenEnded())
                        .then(cancelled);
            })));
            assertThat(thrown).isInstanceOf(CancelledException.class);
            assertThat(before.getSuppressed()).isEmpty();
        });
    }
}
