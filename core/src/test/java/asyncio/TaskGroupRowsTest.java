package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.ScopeStyle.errorOf;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/** The cases of CPython's tests of task groups, in each style. */
@Timeout(60)
class TaskGroupRowsTest {
    private static final Duration LONG = Duration.ofHours(1);

    static Duration ms(long millis) {
        return Duration.ofMillis(millis);
    }

    private static Mono<Void> crash(Duration after, Exception error) {
        return async(() -> {
            await(sleep(after));
            throw error;
        });
    }

    private static Mono<Void> counts(AtomicInteger cancelled) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } catch (CancelledException e) {
                cancelled.incrementAndGet();
                throw e;
            }
        });
    }

    /** Fails when it is cancelled. */
    private static Mono<Void> crashInCleanUp(Exception error) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } finally {
                raise(error);
            }
        });
    }

    private static void raise(Exception error) throws Exception {
        throw error;
    }

    private static void assertGroup(Throwable error, Throwable... inOrder) {
        assertThat(error).isInstanceOf(ExceptionGroup.class);
        assertThat(((ExceptionGroup) error).exceptions()).containsExactly(inOrder);
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-01 leaving the scope waits for all tasks, also for one added later")
    void waits(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Task<Integer>> tasks = new ArrayList<>();
            Task<String> parent = createTask(style.group(group -> {
                tasks.add(group.createTask(sleep(ms(100), 42)));
                await(sleep(ms(50)));
                tasks.add(group.createTask(sleep(ms(200), 11)));
                return "body";
            }));
            assertThat(await(parent)).isEqualTo("body");
            assertThat(tasks.get(0).result()).isEqualTo(42);
            assertThat(tasks.get(1).result()).isEqualTo(11);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-02 cancelling one task disturbs nobody")
    void cancelOne(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Task<Integer>> tasks = new ArrayList<>();
            Task<String> parent = createTask(style.group(group -> {
                tasks.add(group.createTask(sleep(ms(100), 42)));
                tasks.add(group.createTask(sleep(ms(200), 11)));
                await(sleep(ms(50)));
                tasks.get(0).cancel();
                return "body";
            }));
            assertThat(await(parent)).isEqualTo("body");
            assertThat(tasks.get(0).cancelled()).isTrue();
            assertThat(tasks.get(1).result()).isEqualTo(11);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-03 one fails: its sibling and the body are cancelled, the group has just that error")
    void oneFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("one");
            AtomicInteger cancelled = new AtomicInteger();
            AtomicInteger after = new AtomicInteger();
            Task<String> parent = createTask(style.group(group -> {
                group.createTask(crash(ms(100), error));
                group.createTask(counts(cancelled));
                await(sleep(LONG));
                after.incrementAndGet();
                return "not reached";
            }));
            assertGroup(errorOf(parent), error);
            assertThat(cancelled).hasValue(1);
            assertThat(after).hasValue(0);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-04 three fail in one tick: the group has the three, and no CancelledException")
    void threeFail(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Exception> errors = List.of(new IOException("1"), new IOException("2"), new IOException("3"));
            AtomicInteger cancelled = new AtomicInteger();
            Task<String> parent = createTask(style.group(group -> {
                for (Exception error : errors) {
                    group.createTask(crash(ms(100), error));
                }
                group.createTask(counts(cancelled));
                await(counts(cancelled));
                return "not reached";
            }));
            assertGroup(errorOf(parent), errors.toArray(Throwable[]::new));
            assertThat(cancelled).hasValue(2);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-05 TGR-18 cancelled while the scope waits for its tasks: each is, the parent ends cancelled")
    void cancelledAtTheEnd(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicInteger cancelled = new AtomicInteger();
            Task<String> parent = createTask(style.group(group -> {
                for (int i = 0; i < 5; i++) {
                    group.createTask(counts(cancelled));
                }
                return "body";
            }));
            await(sleep(ms(100)));
            assertThat(parent.done()).isFalse();
            parent.cancel("enough");
            assertThat(errorOf(parent)).isInstanceOf(CancelledException.class).hasMessage("enough");
            assertThat(parent.cancelled()).isTrue();
            assertThat(cancelled).hasValue(5);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-06 the same with the body suspended: body and tasks are cancelled")
    void cancelledInTheBody(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            AtomicInteger cancelled = new AtomicInteger();
            Task<String> parent = createTask(style.group(group -> {
                for (int i = 0; i < 5; i++) {
                    group.createTask(counts(cancelled));
                }
                await(counts(cancelled));
                return "body";
            }));
            await(sleep(ms(100)));
            parent.cancel();
            assertThat(errorOf(parent)).isInstanceOf(CancelledException.class);
            assertThat(parent.cancelled()).isTrue();
            assertThat(cancelled).hasValue(6);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-07 cancelled from outside, and tasks fail in their clean-up: the group of that is thrown")
    void cleanUpFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Exception> errors = List.of(new IOException("1"), new IOException("2"));
            Task<String> parent = createTask(style.group(group -> {
                for (Exception error : errors) {
                    group.createTask(crashInCleanUp(error));
                }
                await(sleep(LONG));
                return "not reached";
            }));
            await(sleep(ms(100)));
            parent.cancel();
            assertGroup(errorOf(parent), errors.toArray(Throwable[]::new));
            assertThat(parent.cancelled()).isFalse();
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-08 the body fails, after or before an await: its tasks are cancelled, the group has its error")
    void bodyFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            for (Duration delay : new Duration[] {ms(100), null}) {
                IOException error = new IOException("body");
                List<Task<?>> tasks = new ArrayList<>();
                Task<String> parent = createTask(style.group(group -> {
                    tasks.add(group.createTask(sleep(ms(1000), 42)));
                    tasks.add(group.createTask(async(() -> await(sleep(ms(2000), 11)))));
                    if (delay != null) {
                        await(sleep(delay));
                    }
                    throw error;
                }));
                assertGroup(errorOf(parent), error);
                assertThat(tasks).allMatch(Future::cancelled);
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-09 nested, cancelled from outside, inner tasks fail in clean-up: a group in a group")
    void nestedCleanUpFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("inner");
            Task<String> parent = createTask(style.group(outer -> {
                outer.createTask(sleep(LONG));
                return await(style.group(inner -> {
                    inner.createTask(crashInCleanUp(error));
                    await(sleep(LONG));
                    return "not reached";
                }));
            }));
            await(sleep(ms(100)));
            parent.cancel();
            ExceptionGroup group = (ExceptionGroup) errorOf(parent);
            assertThat(group.exceptions()).hasSize(1);
            assertGroup(group.exceptions().get(0), error);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-11 a task of the inner group fails: a group in a group; of the outer one: one group")
    void nestedFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            for (boolean innerFails : new boolean[] {true, false}) {
                IOException error = new IOException("x");
                Task<Void> parent = createTask(style.group(outer -> {
                    outer.createTask(innerFails ? sleep(LONG) : crash(ms(100), error));
                    return await(style.group(inner -> {
                        inner.createTask(innerFails ? crash(ms(100), error) : sleep(LONG));
                        return null;
                    }));
                }));
                Throwable thrown = errorOf(parent);
                if (innerFails) {
                    assertThat(((ExceptionGroup) thrown).exceptions()).hasSize(1);
                    thrown = ((ExceptionGroup) thrown).exceptions().get(0);
                }
                assertGroup(thrown, error);
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName(
            "TGR-12 cancelled, the body takes its time, meanwhile a task fails: the error wins, also for who awaits")
    void errorWinsOverCancellation(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            for (boolean nested : new boolean[] {false, true}) {
                IOException error = new IOException("soon");
                Mono<String> group = style.group(g -> {
                    g.createTask(crash(ms(300), error));
                    try {
                        await(sleep(LONG));
                    } catch (CancelledException e) {
                        await(sleep(ms(500)));
                        throw e;
                    }
                    return "not reached";
                });
                Task<String> parent = createTask(nested ? async(() -> await(createTask(group))) : group);
                await(sleep(ms(100)));
                parent.cancel();
                assertGroup(errorOf(parent), error);
            }
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-13 TGR-14 no tasks, the body is cancelled: cancelled; it answers with an error: a group of that")
    void noTasks(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            Task<Void> parent = createTask(style.group(group -> await(counts(new AtomicInteger()))));
            await(sleep(ms(100)));
            parent.cancel();
            assertThat(errorOf(parent)).isInstanceOf(CancelledException.class);

            IOException error = new IOException("instead");
            Task<Void> other = createTask(style.group(group -> await(crashInCleanUp(error))));
            await(sleep(ms(100)));
            other.cancel();
            assertGroup(errorOf(other), error);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-15 TGR-32 a task fails, the cancelled body fails too: both, the body last")
    void bothFail(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException first = new IOException("first");
            IOException second = new IOException("second");
            IllegalStateException body = new IllegalStateException("body");
            Task<Void> parent = createTask(style.group(group -> {
                group.createTask(async(() -> {
                    try {
                        await(sleep(LONG));
                    } finally {
                        await(sleep(ms(100)));
                        raise(second);
                    }
                }));
                group.createTask(crash(ms(100), first));
                return await(crashInCleanUp(body));
            }));
            Throwable error = errorOf(parent);
            assertGroup(error, first, second, body);
            assertThat(error).hasMessage("unhandled errors in a TaskGroup (3 sub-exceptions)");
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-19 tasks that have ended are no longer the group's")
    void doesNotGrow(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> await(style.group(group -> {
            for (int i = 0; i < 10; i++) {
                await(sleep(ms(100)));
                group.createTask(sleep(ms(300)));
                assertThat(group.tasks()).hasSizeLessThan(5);
            }
            assertThat(group.toString()).isEqualTo("<TaskGroup tasks=4 entered>");
            await(sleep(ms(1350)));
            assertThat(group.tasks()).isEmpty();
            return null;
        })));
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-20 a task adds tasks while the scope waits for it: they are waited for")
    void addsTasks(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Task<?>> added = new ArrayList<>();
            await(createTask(style.group(group -> {
                group.createTask(async(() -> {
                    await(sleep(ms(100)));
                    added.add(group.createTask(sleep(ms(100))));
                    added.add(group.createTask(sleep(ms(200))));
                }));
                return null;
            })));
            assertThat(added).hasSize(2).allMatch(Future::done);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-21 tasks that start two others each are all stopped when one fails")
    void hydra(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            List<Task<?>> all = new ArrayList<>();
            IOException error = new IOException("Hercules");
            Throwable thrown = errorOf(createTask(style.group(group -> {
                new Object() {
                    void hydra() {
                        all.add(group.createTask(async(() -> {
                            await(sleep(ms(10)));
                            hydra();
                            hydra();
                        })));
                    }
                }.hydra();
                group.createTask(async(() -> {
                    while (all.size() < 10) {
                        await(sleep(ms(15)));
                    }
                    throw error;
                }));
                return null;
            })));
            assertGroup(thrown, error);
            assertThat(all).hasSizeGreaterThanOrEqualTo(10).allMatch(Future::done);
        });
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-22 createTask passes name and context on")
    void nameAndContext(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> await(style.group(group -> {
            Task<Integer> task = group.createTask(
                    async(() -> Asyncio.currentContext().<Integer>get("key")),
                    TaskOptions.named("yolo").withContext(Context.of("key", 7)));
            assertThat(task.getName()).isEqualTo("yolo");
            assertThat(await(task)).isEqualTo(7);
            assertThat(group.createTask(sleep(ms(1)), "other").getName()).isEqualTo("other");
            return null;
        })));
    }

    @ParameterizedTest(name = "{displayName} {0}")
    @EnumSource
    @DisplayName("TGR-24 a task fails and an inner scope fails in its end: both errors, and cancelling() is 0")
    void innerScopeFails(ScopeStyle style) throws Exception {
        ScopeStyle.run(() -> {
            IOException error = new IOException("task");
            IOException end = new IOException("end of the inner scope");
            Task<Void> parent = createTask(style.group(group -> {
                group.createTask(crash(Duration.ZERO, error));
                return await(crashInCleanUp(end));
            }));
            assertGroup(errorOf(parent), error, end);
            assertThat(parent.cancelling()).isZero();
        });
    }
}
