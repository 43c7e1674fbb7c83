package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.ScopeStyle.errorOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Task groups: the counts of cancellations, {@code cancel()}, ends and eager tasks, in each style. */
@Timeout(60)
class TaskGroupCancelRowsTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static Mono<Void> crash(Duration after, Exception error) {
        return async(() -> {
            await(sleep(after));
            throw error;
        });
    }

    /** Fails when it is cancelled. */
    private static Mono<Void> crashInCleanUp(Exception error) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } catch (CancelledException e) {
                throw error;
            }
        });
    }

    private static void assertGroup(Throwable error, Throwable... inOrder) {
        assertThat(error).isInstanceOf(ExceptionGroup.class);
        assertThat(((ExceptionGroup) error).exceptions()).containsExactly(inOrder);
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-23 a group that is shutting down takes no tasks; TGR-26 nor does one that is finished")
    void closed(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            AtomicReference<TaskGroup> left = new AtomicReference<>();
            AtomicReference<Throwable> refused = new AtomicReference<>();
            Throwable thrown = errorOf(createTask(style.group(group -> {
                left.set(group);
                group.createTask(crash(ms(1), error));
                return await(group.createTask(async(() -> {
                    try {
                        await(sleep(LONG));
                    } catch (CancelledException e) {
                        try {
                            group.createTask(async(() -> 1));
                        } catch (IllegalStateException shuttingDown) {
                            refused.set(shuttingDown);
                        }
                    }
                    return null;
                })));
            })));
            assertGroup(thrown, error);
            assertThat(refused.get()).hasMessageContaining("is shutting down: <TaskGroup tasks=1 errors=1 cancelling>");
            assertThatThrownBy(() -> left.get().createTask(async(() -> 1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is finished: <TaskGroup errors=1 finished>");
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-29 the group's own cancellation of its parent is taken back")
    void cancellingLevel(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            for (Duration bodyTakes : List.of(Duration.ZERO, LONG)) {
                Task<Void> parent = createTask(style.<Void>group(group -> {
                            group.createTask(crash(ms(10), error));
                            await(sleep(bodyTakes));
                            return null;
                        })
                        .cast(Void.class));
                assertGroup(errorOf(parent), error);
                assertThat(parent.cancelling()).isZero();
            }
            // awaited in this body, the parent is this task, which continues
            assertThatThrownBy(() -> await(style.group(group -> await(group.createTask(crash(ms(10), error))))))
                    .isInstanceOf(ExceptionGroup.class);
            assertThat(Asyncio.currentTask().cancelling()).isZero();
            await(sleep(LONG));
        });
    }

    @Test
    @DisplayName("TGR-30 a task of the inner group, and one of the outer, fail in one tick: both, and counts 1, then 0")
    void bothGroupsCancelled() throws Exception {
        ScopeStyle.run(() -> {
            for (boolean reactive : new boolean[] {false, true}) {
                RuntimeException inner = new RuntimeException("inner");
                IllegalArgumentException outer = new IllegalArgumentException("outer");
                AtomicReference<Throwable> caught = new AtomicReference<>();
                List<Integer> cancelling = new ArrayList<>();
                BodyFunction<TaskGroup, Void> body = outerGroup -> {
                    BodyFunction<TaskGroup, Void> nested = innerGroup -> {
                        innerGroup.createTask(crash(Duration.ZERO, inner));
                        outerGroup.createTask(crash(Duration.ZERO, outer));
                        return null;
                    };
                    try {
                        await(
                                reactive
                                        ? TaskGroup.scope(group -> async(() -> nested.apply(group)))
                                        : TaskGroup.scopeBody(nested));
                    } catch (ExceptionGroup e) {
                        caught.set(e);
                        cancelling.add(Asyncio.currentTask().cancelling());
                    }
                    return null;
                };
                assertThatThrownBy(() -> await(
                                reactive
                                        ? TaskGroup.scope(group -> async(() -> body.apply(group)))
                                        : TaskGroup.scopeBody(body)))
                        .satisfies(e -> assertGroup(e, outer));
                assertGroup(caught.get(), inner);
                assertThat(cancelling).containsExactly(1);
                assertThat(Asyncio.currentTask().cancelling()).isZero();
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("a task fails and the parent is cancelled in one tick: the errors come out, the cancellation next")
    void errorAndCancel(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            Future<Void> entered = new Future<>();
            List<Object> log = new ArrayList<>();
            Mono<Void> group = style.group(g -> {
                g.createTask(async(() -> {
                    entered.setResult(null);
                    await(sleep(Duration.ZERO));
                    throw error;
                }));
                await(sleep(LONG));
                return null;
            });
            Task<Void> inner = createTask(async(() -> {
                try {
                    await(group);
                } catch (ExceptionGroup e) {
                    log.addAll(e.exceptions());
                    log.add(Asyncio.currentTask().cancelling());
                }
                await(sleep(LONG));
                log.add("not reached");
            }));
            await(entered);
            inner.cancel();
            assertThat(errorOf(inner)).isInstanceOf(CancelledException.class);
            assertThat(inner.cancelled()).isTrue();
            assertThat(log).containsExactly(error, 1);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-34 cancel() at the beginning: the first await of the body is cancelled, the scope ends normally")
    void cancelFirst(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<String> log = new ArrayList<>();
            Task<String> parent = createTask(style.group(group -> {
                group.cancel();
                group.cancel();
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    log.add("cancelled");
                    throw e;
                }
                return "not reached";
            }));
            assertThat(await(parent)).isNull();
            assertThat(log).containsExactly("cancelled");
            assertThat(parent.cancelling()).isZero();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-35 cancel() again and after the end does nothing")
    void cancelAgain(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicReference<TaskGroup> left = new AtomicReference<>();
            await(async(() -> {
                await(style.group(group -> {
                    left.set(group);
                    group.createTask(sleep(LONG));
                    EventLoop.getRunningLoop().callLater(ms(10), () -> {
                        group.cancel();
                        group.cancel();
                    });
                    return null;
                }));
                left.get().cancel();
                assertThat(Asyncio.currentTask().cancelling()).isZero();
                await(sleep(ms(10)));
            }));
            assertThat(left.get().toString()).isEqualTo("<TaskGroup finished>");
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-36 a task fails while cancel() cancels it: its error is thrown")
    void cancelAndError(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            Task<Void> parent = createTask(style.<Void>group(group -> {
                        group.createTask(crashInCleanUp(error));
                        await(sleep(ms(10)));
                        group.cancel();
                        await(sleep(LONG));
                        return null;
                    })
                    .cast(Void.class));
            assertGroup(errorOf(parent), error);
            assertThat(parent.cancelling()).isZero();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-37 cancel(), and cancelled from outside as well: it ends cancelled; in either order")
    void cancelAndExternalCancel(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            for (boolean groupFirst : new boolean[] {true, false}) {
                AtomicReference<TaskGroup> open = new AtomicReference<>();
                Task<Void> parent = createTask(style.group(group -> {
                    open.set(group);
                    group.createTask(async(() -> {
                        try {
                            await(sleep(LONG));
                        } finally {
                            await(sleep(ms(100)));
                        }
                    }));
                    await(sleep(LONG));
                    return null;
                }));
                await(sleep(ms(10)));
                if (groupFirst) {
                    open.get().cancel();
                    parent.cancel();
                } else {
                    parent.cancel();
                    open.get().cancel();
                }
                assertThat(errorOf(parent)).isInstanceOf(CancelledException.class);
                assertThat(parent.cancelled()).isTrue();
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-38 an eager task that cancels its group is itself cancelled, unless it is done")
    void eagerCancelsGroup(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            TaskOptions eager = TaskOptions.DEFAULTS.withEager(true);
            List<Task<?>> tasks = new ArrayList<>();
            await(createTask(style.group(group -> {
                tasks.add(group.createTask(
                        async(() -> {
                            group.cancel();
                            await(sleep(LONG));
                        }),
                        eager));
                return null;
            })));
            await(createTask(style.group(group -> {
                tasks.add(group.createTask(async(group::cancel), eager));
                return null;
            })));
            assertThat(tasks.get(0).cancelled()).isTrue();
            assertThat(tasks.get(1).cancelled()).isFalse();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TGR-39 an eager task that fails inside createTask aborts the group at once; its creator hears of it at the next await")
    void eagerFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("eager");
            List<String> log = new ArrayList<>();
            Task<Void> parent = createTask(style.group(group -> {
                Task<Void> eager = group.createTask(
                        async(() -> {
                            throw error;
                        }),
                        TaskOptions.DEFAULTS.withEager(true));
                log.add("done: " + eager.done());
                assertThatThrownBy(() -> group.createTask(sleep(LONG))).isInstanceOf(IllegalStateException.class);
                log.add("refused");
                await(sleep(LONG));
                return null;
            }));
            assertGroup(errorOf(parent), error);
            assertThat(log).containsExactly("done: true", "refused");
        });
    }

    @Test
    @DisplayName("a body made of operators: a failing task that it waits for is in the group, and nothing is dropped")
    void operators() throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("x");
            Mono<Integer> sum = TaskGroup.scope(group -> Mono.zip(
                    group.createTask(sleep(ms(10)).then(Mono.<Integer>error(error))),
                    group.createTask(sleep(LONG, 1)),
                    Integer::sum));
            assertGroup(errorOf(createTask(sum)), error);
            assertThatThrownBy(() -> await(sum)).satisfies(e -> assertGroup(e, error));
            Mono<Integer> flat = TaskGroup.scope(group -> Flux.range(0, 3)
                    .map(i ->
                            group.createTask(i == 1 ? sleep(ms(10)).then(Mono.<Integer>error(error)) : sleep(LONG, i)))
                    .collectList()
                    .flatMap(tasks -> Flux.merge(tasks).reduce(Integer::sum)));
            assertGroup(errorOf(createTask(flat)), error);
        });
    }

    @Test
    @DisplayName("a scope whose body is its own task says so")
    void awaitsItself() throws Exception {
        ScopeStyle.run(() -> {
            Task<Object> task = createTask(TaskGroup.scope(group -> itself()));
            Throwable error = errorOf(task);
            assertThat(((ExceptionGroup) error).exceptions().get(0))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Task cannot await on itself");
        });
    }

    @SuppressWarnings("unchecked")
    private static Mono<Object> itself() {
        return (Mono<Object>) (Mono<?>) Asyncio.currentTask();
    }

    @Test
    @DisplayName("start: cancelled before its task was ready, and the task fails in its clean-up: the group has that")
    void startCancelledAndFails() throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("clean-up");
            Task<Void> parent = createTask(TaskGroup.scopeBody(group -> {
                Task<Object> starter = createTask(group.start(started -> crashInCleanUp(error)));
                await(sleep(ms(10)));
                await(starter.cancelAndJoin());
                assertThat(starter.cancelled()).isTrue();
                await(sleep(LONG));
                return null;
            }));
            assertGroup(errorOf(parent), error);
        });
    }

    @Test
    @DisplayName(
            "the body fails in the tick in which a task does: it counts as cancelled, its error hangs on the group")
    void bothInOneTick() throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("task");
            IOException body = new IOException("body");
            Mono<Void> scope = TaskGroup.scope(group -> {
                group.createTask(crash(ms(1), error));
                return crash(ms(1), body);
            });
            Throwable thrown = errorOf(createTask(scope));
            assertGroup(thrown, error);
            assertThat(thrown.getSuppressed()).containsExactly(error, body);
        });
    }
}
