package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

@Timeout(60)
class EagerTaskTest {
    private static final TaskOptions EAGER = TaskOptions.DEFAULTS.withEager(true);
    private final EventLoop loop = EventLoop.newEventLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    private void runEagerly(Body body) throws Exception {
        loop.setTaskFactory(Asyncio::eagerTaskFactory);
        loop.runUntilComplete(async(body));
    }

    @Test
    @DisplayName("EAG-02 a body that never suspends is done when createTask returns, and can be awaited")
    void eagerCompletion() throws Exception {
        runEagerly(() -> {
            Task<String> body = createTask(async(() -> "done"));
            assertThat(body.done()).isTrue();
            assertThat(await(body)).isEqualTo("done");
            Task<String> mono = createTask(Mono.just("done too"));
            assertThat(mono.done()).isTrue();
            assertThat(await(mono)).isEqualTo("done too");
            Task<String> failed = createTask(async(() -> {
                throw new java.io.IOException("at once");
            }));
            assertThat(failed.exception()).hasMessage("at once");
        });
    }

    @Test
    @DisplayName("EAG-03 a body that suspends after its eager step completes later")
    void blockAfterEagerStep() throws Exception {
        runEagerly(() -> {
            List<String> order = new ArrayList<>();
            Task<Integer> task = createTask(async(() -> {
                order.add("eager step");
                await(sleep(Duration.ZERO));
                order.add("second step");
                return 7;
            }));
            order.add("createTask returned");
            assertThat(task.done()).isFalse();
            assertThat(await(task)).isEqualTo(7);
            assertThat(order).containsExactly("eager step", "createTask returned", "second step");
        });
    }

    @Test
    @DisplayName("EAG-04 cancelling an eagerly completed task has no effect")
    void cancelAfterEagerCompletion() throws Exception {
        runEagerly(() -> {
            Task<String> task = createTask(async(() -> "done"));
            assertThat(task.cancel()).isFalse();
            await(sleep(Duration.ZERO));
            assertThat(task.cancelled()).isFalse();
            assertThat(await(task)).isEqualTo("done");
        });
    }

    @Test
    @DisplayName("EAG-05 cancelling an eagerly started, suspended task throws in its await, with the message")
    void cancelAfterEagerStep() throws Exception {
        runEagerly(() -> {
            Task<Void> task = createTask(async(() -> {
                await(new Future<Void>());
            }));
            assertThat(task.done()).isFalse();
            assertThat(task.cancel("msg")).isTrue();
            assertThat(task.cancelling()).isPositive();
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("msg");
        });
    }

    @Test
    @DisplayName("EAG-06 the current task is the child during its steps, and the parent afterwards")
    void currentTaskIsTheChild() throws Exception {
        runEagerly(() -> {
            Task<?> parent = currentTask();
            AtomicReference<Task<?>> inEagerStep = new AtomicReference<>();
            AtomicReference<Task<?>> inSecondStep = new AtomicReference<>();
            Task<Void> child = createTask(async(() -> {
                inEagerStep.set(currentTask());
                await(sleep(Duration.ZERO));
                inSecondStep.set(currentTask());
            }));
            assertThat(currentTask()).isSameAs(parent);
            await(child);
            assertThat(inEagerStep.get()).isSameAs(child);
            assertThat(inSecondStep.get()).isSameAs(child);
            AtomicReference<Task<?>> inMono = new AtomicReference<>();
            Task<Integer> mono = createTask(Mono.fromCallable(() -> {
                inMono.set(currentTask());
                return 1;
            }));
            assertThat(inMono.get()).isSameAs(mono);
            assertThat(currentTask()).isSameAs(parent);
        });
    }

    @Test
    @DisplayName("EAG-07 EAG-08 a child is in allTasks until it is done")
    void allTasks() throws Exception {
        runEagerly(() -> {
            AtomicInteger during = new AtomicInteger();
            createTask(async(() -> {
                during.set(Asyncio.allTasks().size());
            }));
            assertThat(during).hasValue(2);
            assertThat(Asyncio.allTasks()).hasSize(1);
            Task<Void> suspended = createTask(sleep(Duration.ofMillis(1)));
            assertThat(Asyncio.allTasks()).hasSize(2).contains(suspended);
            await(suspended);
            assertThat(Asyncio.allTasks()).hasSize(1);
        });
    }

    @Test
    @DisplayName("EAG-09 the eager step sees the context of its creator, or its own, and the creator gets its back")
    void context() throws Exception {
        loop.setTaskFactory(Asyncio::eagerTaskFactory);
        List<Object> seen = new ArrayList<>();
        loop.callSoon(
                () -> {
                    Mono<Void> look = async(() -> {
                        seen.add(Asyncio.currentContext().get("key"));
                        await(sleep(Duration.ZERO));
                        seen.add(Asyncio.currentContext().get("key"));
                    });
                    loop.createTask(look);
                    loop.createTask(look, null, Context.of("key", 2)).addDoneCallback(done -> loop.stop());
                    seen.add("creator " + Asyncio.currentContext().get("key"));
                },
                Context.of("key", 1));
        loop.runForever();
        assertThat(seen).containsExactly(1, 2, "creator 1", 1, 2);
    }

    @Test
    @DisplayName("EAG-10 781 nested tasks that do not suspend queue nothing; without the factory each is queued")
    void nestedTasksQueueNothing() throws Exception {
        AtomicInteger count = new AtomicInteger();
        loop.setTaskFactory(Asyncio::eagerTaskFactory);
        loop.runUntilComplete(async(() -> {
            List<String> later = new ArrayList<>();
            loop.callSoon(() -> later.add("next tick"));
            tree(4, count);
            assertThat(later).isEmpty();
        }));
        assertThat(count).hasValue(781);
        loop.setTaskFactory(null);
        loop.runUntilComplete(async(() -> {
            List<String> later = new ArrayList<>();
            loop.callSoon(() -> later.add("next tick"));
            tree(4, count);
            assertThat(later).isNotEmpty();
        }));
        assertThat(count).hasValue(2 * 781);
    }

    private static void tree(int depth, AtomicInteger count) throws Exception {
        count.incrementAndGet();
        List<Task<Void>> children = new ArrayList<>();
        for (int i = 0; i < (depth == 0 ? 0 : 5); i++) {
            children.add(createTask(async(() -> tree(depth - 1, count))));
        }
        for (Task<Void> child : children) {
            await(child);
        }
    }

    @Test
    @DisplayName("EAG-12 off the loop's thread, and while it does not run, a task starts in the next tick")
    void onlyOnTheRunningLoop() throws Exception {
        loop.setTaskFactory(Asyncio::eagerTaskFactory);
        AtomicInteger ran = new AtomicInteger();
        Task<Integer> before = loop.createTask(async(ran::incrementAndGet));
        assertThat(ran).hasValue(0);
        assertThat(loop.<Integer>runUntilComplete(before)).isEqualTo(1);
        try (LoopThread other = new LoopThread()) {
            other.loop.setTaskFactory(Asyncio::eagerTaskFactory);
            AtomicReference<Thread> thread = new AtomicReference<>();
            other.loop
                    .createTask(Mono.fromRunnable(() -> thread.set(Thread.currentThread())))
                    .block();
            assertThat(thread.get().getName()).isEqualTo("test-loop");
        }
    }

    @Test
    @DisplayName("EAG-13 an option overrides the factory, either way")
    void optionOverrides() throws Exception {
        runEagerly(() -> {
            Task<String> later = createTask(async(() -> "x"), TaskOptions.DEFAULTS.withEager(false));
            assertThat(later.done()).isFalse();
            await(later);
        });
        loop.setTaskFactory(null);
        loop.runUntilComplete(async(() -> {
            Task<String> now =
                    createTask(async(() -> "x"), TaskOptions.named("now").withEager(true));
            assertThat(now.done()).isTrue();
            assertThat(now.getName()).isEqualTo("now");
        }));
    }

    @Test
    void startsEagerlyFromACallbackToo() throws Exception {
        List<String> order = new ArrayList<>();
        loop.callSoon(() -> {
            Task<Void> task = loop.createTask(
                    async(() -> {
                        order.add("eager step");
                        loop.createTask(async(() -> order.add("grandchild")), EAGER);
                        await(sleep(Duration.ofMillis(1)));
                        order.add("second step");
                        loop.stop();
                    }),
                    EAGER);
            order.add("callback goes on " + task.done());
            assertThat(loop.currentTask()).isNull();
        });
        loop.runForever();
        assertThat(order).containsExactly("eager step", "grandchild", "callback goes on false", "second step");
    }

    @Test
    void theEagerStepDoesNotSeeTheThreadLocalsOfItsCreator() throws Exception {
        ThreadLocal<String> local = new ThreadLocal<>();
        runEagerly(() -> {
            local.set("creator's");
            assertThat(await(createTask(async(() -> String.valueOf(local.get())))))
                    .isEqualTo("null");
            assertThat(local.get()).isEqualTo("creator's");
        });
    }

    @Test
    void anErrorOfTheEagerStepThatStopsTheLoopDoesSo() {
        AtomicReference<Task<Void>> task = new AtomicReference<>();
        InternalError error = new InternalError("the machine is broken");
        assertThatThrownBy(() -> runEagerly(() -> {
                    task.set(createTask(async(() -> {
                        throw error;
                    })));
                    await(new Future<Void>());
                }))
                .isSameAs(error);
        assertThat(task.get().exception()).isSameAs(error);
    }

    @Test
    void aStackOverflowInTheEagerStepHangsNobody() {
        AtomicReference<Task<Void>> task = new AtomicReference<>();
        assertThatThrownBy(() -> runEagerly(() -> {
                    task.set(createTask(async(() -> recurse(0))));
                    await(new Future<Void>());
                }))
                .isInstanceOf(StackOverflowError.class);
        assertThat(task.get().exception()).isInstanceOf(StackOverflowError.class);
    }

    private static void recurse(int depth) throws Exception {
        if (depth >= 0) {
            recurse(depth + 1);
        }
    }

    @Test
    void randomTreesOfEagerAndOtherTasksAllEnd() throws Exception {
        long seed = Long.getLong("asyncio.test.seed", System.nanoTime());
        System.out.println("EagerTaskTest seed " + seed);
        Random random = new Random(seed);
        AtomicInteger ended = new AtomicInteger();
        int[] started = new int[1];
        loop.runUntilComplete(async(() -> grow(random, 5, started, ended)));
        assertThat(ended).hasValue(started[0]);
        assertThat(loop.allTasks()).isEmpty();
    }

    private static void grow(Random random, int depth, int[] started, AtomicInteger ended) throws Exception {
        started[0]++;
        List<Task<?>> children = new ArrayList<>();
        for (int i = random.nextInt(5); depth > 0 && i > 0; i--) {
            TaskOptions options = TaskOptions.DEFAULTS.withEager(random.nextBoolean());
            children.add(
                    random.nextInt(4) == 0
                            ? createTask(sleep(Duration.ofNanos(random.nextInt(3) * 1000L)), options)
                            : createTask(async(() -> grow(random, depth - 1, started, ended)), options));
            if (random.nextBoolean()) {
                await(sleep(Duration.ZERO));
            }
        }
        for (Task<?> child : children) {
            await(child);
        }
        ended.incrementAndGet();
    }

    @Test
    @DisplayName("An eager child that fails at once aborts its group before anything else is started in it")
    void eagerChildThatFails() throws Exception {
        loop.runUntilComplete(async(() -> {
            List<String> seen = new ArrayList<>();
            assertThatThrownBy(() -> await(TaskGroup.scopeBody(group -> {
                        group.createTask(async(() -> {
                            seen.add("first begins");
                        }));
                        group.createTask(async(EagerTaskTest::fail), EAGER);
                        assertThatThrownBy(() -> group.createTask(Mono.just(1)))
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("shutting down");
                        assertThat(currentTask().cancelling()).isEqualTo(1);
                        return 1;
                    })))
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            group -> assertThat(group.exceptions())
                                    .singleElement()
                                    .isInstanceOf(java.io.IOException.class));
            assertThat(seen).isEmpty();
            assertThat(currentTask().cancelling()).isZero();
            await(sleep(Duration.ZERO));
        }));
    }

    @Test
    @DisplayName("The same in a scope without a body, in start, and for a child of the eager child")
    void eagerChildThatFailsElsewhere() throws Exception {
        loop.runUntilComplete(async(() -> {
            List<String> seen = new ArrayList<>();
            assertThatThrownBy(() -> await(TaskGroup.scope(group -> {
                        group.createTask(async(() -> {
                            seen.add("lazy begins");
                        }));
                        group.createTask(
                                async(() -> {
                                    group.createTask(async(EagerTaskTest::fail), EAGER);
                                    await(sleep(Duration.ZERO));
                                    seen.add("the one in the middle resumes");
                                }),
                                EAGER);
                        return Mono.fromCallable(() -> seen.add("body begins")).then(sleep(Duration.ofHours(1)));
                    })))
                    .isInstanceOf(ExceptionGroup.class);
            assertThatThrownBy(() -> await(TaskGroup.scopeBody(group -> {
                        Task<?> sibling = group.createTask(sleep(Duration.ofHours(1)));
                        assertThatThrownBy(() -> await(group.start(started -> async(EagerTaskTest::fail), EAGER)))
                                .as("the error is that of start, and none of the group's")
                                .isInstanceOf(java.io.IOException.class);
                        assertThat(sibling.cancelling()).isZero();
                        throw new java.io.IOException("end");
                    })))
                    .isInstanceOf(ExceptionGroup.class);
            assertThat(seen).doesNotContain("lazy begins", "the one in the middle resumes");
        }));
    }

    private static void fail() throws java.io.IOException {
        throw new java.io.IOException("at once");
    }
}
