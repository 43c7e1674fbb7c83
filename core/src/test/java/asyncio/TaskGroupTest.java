package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

@Timeout(60)
class TaskGroupTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static Mono<Void> fails(Duration after, Exception error) {
        return sleep(after).then(Mono.error(error));
    }

    /** Adds to a list that it was cancelled. */
    private static Mono<Void> recordsCancel(List<String> log, String name) {
        return async(() -> {
            try {
                await(sleep(LONG));
            } catch (CancelledException e) {
                log.add(name);
                throw e;
            }
        });
    }

    @Test
    @DisplayName("TGR-01 the scope waits for its tasks, whose results are there; straight-line")
    void waitsForTasks() throws Exception {
        VirtualTime.run(() -> {
            List<Task<Integer>> tasks = new ArrayList<>();
            String value = await(TaskGroup.scopeBody(group -> {
                tasks.add(group.createTask(sleep(Duration.ofMillis(100), 42)));
                await(sleep(Duration.ofMillis(10)));
                tasks.add(group.createTask(async(() -> {
                    await(sleep(Duration.ofMillis(200)));
                    return 11;
                })));
                return "body";
            }));
            assertThat(value).isEqualTo("body");
            assertThat(tasks.get(0).result()).isEqualTo(42);
            assertThat(tasks.get(1).result()).isEqualTo(11);
        });
    }

    @Test
    @DisplayName("TGR-01 the same, reactive: subscribed off every loop")
    void waitsForTasksReactive() {
        StepVerifier.create(TaskGroup.scope(group -> {
                    Task<Integer> a = group.createTask(sleep(Duration.ofMillis(3), 42));
                    Task<Integer> b = group.createTask(async(() -> 11));
                    group.createTask(sleep(Duration.ofMillis(20)));
                    return Mono.zip(a, b, Integer::sum);
                }))
                .expectNext(53)
                .verifyComplete();
        StepVerifier.create(TaskGroup.scopeBody(group -> await(group.createTask(async(() -> "body")))))
                .expectNext("body")
                .verifyComplete();
        StepVerifier.create(TaskGroup.scope(group -> Mono.empty())).verifyComplete();
    }

    @Test
    @DisplayName("TGR-03 one fails: the others and the body are cancelled, the group holds just that error; reactive")
    void oneFails() {
        List<String> log = new ArrayList<>();
        IOException error = new IOException("first");
        StepVerifier.create(TaskGroup.scope(group -> {
                    group.createTask(recordsCancel(log, "sibling"));
                    group.createTask(fails(Duration.ofMillis(5), error));
                    return recordsCancel(log, "body");
                }))
                .verifyErrorSatisfies(
                        e -> assertThat(((ExceptionGroup) e).exceptions()).containsExactly(error));
        assertThat(log).containsExactlyInAnyOrder("sibling", "body");
    }

    @Test
    @DisplayName("TGR-29 straight-line: after the group's error cancelling() of the parent is 0, and it goes on")
    void cancellingLevel() throws Exception {
        VirtualTime.run(() -> {
            IOException error = new IOException("child");
            assertThatThrownBy(() -> await(TaskGroup.scopeBody(group -> {
                        group.createTask(fails(Duration.ZERO, error));
                        await(sleep(LONG));
                        return null;
                    })))
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            e -> assertThat(e.exceptions()).containsExactly(error));
            assertThat(currentTask().cancelling()).isZero();
            await(sleep(LONG));
        });
    }

    @Test
    @DisplayName("TGR-05 TGR-06 disposing the subscription cancels body and tasks, and their clean-up runs")
    void dispose() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            List<String> log = java.util.Collections.synchronizedList(new ArrayList<>());
            CountDownLatch entered = new CountDownLatch(1);
            CountDownLatch ended = new CountDownLatch(2);
            Mono<Void> cleansUp = async(() -> {
                try {
                    await(sleep(LONG));
                } finally {
                    await(sleep(Duration.ofMillis(5)));
                    log.add("cleaned up");
                    ended.countDown();
                }
            });
            Mono<Void> scope = TaskGroup.scope(group -> {
                group.createTask(cleansUp);
                group.createTask(cleansUp);
                group.createTask(Mono.fromRunnable(entered::countDown));
                return Mono.never();
            });
            Disposable subscription = scope.subscribe();
            entered.await();
            Thread.yield();
            subscription.dispose();
            assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(log).containsExactly("cleaned up", "cleaned up");
        }
    }

    @Test
    @DisplayName("a task that awaits a scope through an operator ends when the scope has, clean-up included")
    void joinsThroughOperators() throws Exception {
        VirtualTime.run(() -> {
            List<String> log = new ArrayList<>();
            Mono<Void> scope = TaskGroup.scope(group -> {
                group.createTask(async(() -> {
                    try {
                        await(sleep(LONG));
                    } finally {
                        await(sleep(Duration.ofMillis(300)));
                        log.add("cleaned up");
                    }
                }));
                return Mono.<Void>never();
            });
            // as a Mono's task
            Task<Void> task = createTask(scope.doOnSubscribe(s -> {}).hide());
            await(sleep(Duration.ofMillis(1)));
            await(task.cancelAndJoin());
            assertThat(log).containsExactly("cleaned up");
            assertThat(task.cancelled()).isTrue();
            // in a body
            Task<Void> body = createTask(async(() -> {
                try {
                    await(scope.hide());
                } finally {
                    log.add("body went on");
                }
            }));
            await(sleep(Duration.ofMillis(1)));
            await(body.cancelAndJoin());
            assertThat(log).containsExactly("cleaned up", "cleaned up", "body went on");
            // by Reactor's timeout
            assertThatThrownBy(() -> await(scope.timeout(
                            Duration.ofMillis(10), EventLoop.getRunningLoop().scheduler())))
                    .isInstanceOf(java.util.concurrent.TimeoutException.class);
            assertThat(log).hasSize(4).endsWith("cleaned up");
        });
    }

    @Test
    @DisplayName("TGR-30 inner and outer child fail in one tick: each group has its error, the counts are right")
    void nestedBothFail() throws Exception {
        VirtualTime.run(() -> {
            RuntimeException inner = new RuntimeException("inner");
            IllegalArgumentException outer = new IllegalArgumentException("outer");
            AtomicReference<Integer> between = new AtomicReference<>();
            assertThatThrownBy(() -> await(TaskGroup.scopeBody(group -> {
                        group.createTask(async(() -> {
                            await(sleep(Duration.ZERO));
                            throw outer;
                        }));
                        try {
                            await(TaskGroup.scopeBody(nested -> {
                                nested.createTask(async(() -> {
                                    await(sleep(Duration.ZERO));
                                    throw inner;
                                }));
                                await(sleep(LONG));
                                return null;
                            }));
                        } catch (ExceptionGroup e) {
                            assertThat(e.exceptions()).containsExactly(inner);
                            between.set(currentTask().cancelling());
                            throw e;
                        }
                        return null;
                    })))
                    .isInstanceOf(ExceptionGroup.class);
            assertThat(between.get()).isEqualTo(1);
            assertThat(currentTask().cancelling()).isZero();
        });
    }

    @Test
    @DisplayName("TGR-34..37 cancel() ends the scope without an error")
    void cancelGroup() throws Exception {
        VirtualTime.run(() -> {
            List<String> log = new ArrayList<>();
            String value = await(TaskGroup.<String>scopeBody(group -> {
                group.createTask(recordsCancel(log, "child"));
                EventLoop.getRunningLoop().callLater(Duration.ofSeconds(1), group::cancel);
                await(sleep(LONG));
                return "not reached";
            }));
            assertThat(value).isNull();
            assertThat(log).containsExactly("child");
            assertThat(currentTask().cancelling()).isZero();
            await(sleep(LONG));
        });
    }

    @Test
    @DisplayName("start waits until the child is ready; its failure before that is the caller's")
    void start() throws Exception {
        VirtualTime.run(() -> await(TaskGroup.scopeBody(group -> {
            int port = await(group.<Integer>start(started -> async(() -> {
                await(sleep(Duration.ofSeconds(1)));
                started.started(8080);
                await(sleep(Duration.ofSeconds(1)));
            })));
            assertThat(port).isEqualTo(8080);
            assertThat(group.tasks()).hasSize(1);
            assertThatThrownBy(() ->
                            await(group.start(started -> fails(Duration.ofSeconds(1), new IOException("no port")))))
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> await(group.start(started -> sleep(Duration.ofSeconds(1)))))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("without having called started()");
            List<String> log = new ArrayList<>();
            Task<Object> starter = createTask(group.start(started -> recordsCancel(log, "child")));
            await(sleep(Duration.ofSeconds(1)));
            await(starter.cancelAndJoin());
            assertThat(log).containsExactly("child");
            return null;
        })));
    }

    @Test
    @DisplayName("TGR-23 TGR-26 a group that is shutting down or finished takes no tasks, and reports no leak")
    void closed() throws Exception {
        VirtualTime.run(() -> {
            AtomicReference<TaskGroup> left = new AtomicReference<>();
            await(TaskGroup.scopeBody(group -> {
                left.set(group);
                return null;
            }));
            assertThatThrownBy(() -> left.get().createTask(async(() -> 1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("is finished");
            assertThatThrownBy(() -> await(TaskGroup.scopeBody(group -> {
                        group.createTask(fails(Duration.ZERO, new IOException("x")));
                        try {
                            await(sleep(LONG));
                        } catch (CancelledException e) {
                            assertThatThrownBy(() -> group.createTask(async(() -> 1)))
                                    .isInstanceOf(IllegalStateException.class)
                                    .hasMessageContaining("is shutting down");
                        }
                        return null;
                    })))
                    .isInstanceOf(ExceptionGroup.class);
        });
    }

    @Test
    @DisplayName("TGR-36 a cancellation from outside while a cancelled group waits for its tasks is not lost")
    void cancelledFromOutsideWhileItIsCancelled() throws Exception {
        Asyncio.run(() -> {
            Future<TaskGroup> entered = new Future<>();
            Task<Void> outer = createTask(async(() -> {
                await(TaskGroup.scope(group -> {
                    group.createTask(async(() -> {
                        try {
                            await(Mono.never());
                        } finally {
                            await(sleep(Duration.ofMillis(20)));
                        }
                    }));
                    entered.setResult(group);
                    return Mono.empty();
                }));
                await(Mono.never());
            }));
            TaskGroup group = await(entered);
            await(sleep(Duration.ZERO));
            group.cancel();
            await(sleep(Duration.ofMillis(1)));
            outer.cancel("from outside");
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledException.class);
        });
    }

    @Test
    void aGroupThatCleansUpAfterACancellationCanBeCancelledItself() throws Exception {
        Asyncio.run(() -> {
            List<String> steps = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try {
                    await(Mono.never());
                } finally {
                    await(TaskGroup.scopeBody(group -> {
                        group.createTask(Mono.never());
                        group.cancel();
                        return await(Mono.never());
                    }));
                    steps.add("after the group");
                }
            }));
            await(sleep(Duration.ZERO));
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(steps).containsExactly("after the group");
        });
    }
}
