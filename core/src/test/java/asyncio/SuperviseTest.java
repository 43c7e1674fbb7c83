package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/** The contract of {@code TaskGroup.supervise}, in both styles. */
@Timeout(60)
class SuperviseTest {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration HOUR = Duration.ofHours(1);

    private final List<String> trail = new ArrayList<>();
    private final IOException oops = new IOException("oops");
    private final BiConsumer<Task<?>, Throwable> handler =
            (task, error) -> trail.add(task.getName() + " failed: " + error.getMessage());

    private enum Style {
        REACTIVE,
        BODY;

        <T> Mono<T> supervise(BiConsumer<Task<?>, Throwable> handler, BodyFunction<TaskGroup, Mono<T>> body) {
            return this == BODY
                    ? TaskGroup.superviseBody(handler, group -> await(body.apply(group)))
                    : TaskGroup.supervise(handler, group -> {
                        try {
                            return body.apply(group);
                        } catch (Exception e) {
                            return Mono.error(e);
                        }
                    });
        }
    }

    private <T> Mono<T> failsAfter(Duration delay, Throwable error) {
        return sleep(delay).then(Mono.error(error));
    }

    private Mono<Integer> slow(String name) {
        return async(() -> {
            try {
                await(sleep(Duration.ofSeconds(10)));
                trail.add(name + " done");
                return 1;
            } finally {
                await(sleep(SECOND));
                trail.add(name + " clean");
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("a task that fails disturbs no other (CPython #101581, Kotlin's supervisorScope)")
    void aTaskThatFailsDisturbsNoOther(Style style) throws Exception {
        VirtualTime.run(() -> {
            List<Task<?>> tasks = new ArrayList<>();
            assertThat(await(style.<String>supervise(handler, group -> {
                        tasks.add(group.createTask(failsAfter(SECOND, oops), "first"));
                        group.createTask(slow("second"));
                        group.createTask(failsAfter(Duration.ofSeconds(2), new IOException("too")), "third");
                        return sleep(Duration.ofSeconds(5), "value");
                    })))
                    .isEqualTo("value");
            assertThat(trail).containsExactly("first failed: oops", "third failed: too", "second done", "second clean");
            assertThat(catchThrowable(() -> await(tasks.get(0))))
                    .as("it stays the task's")
                    .isSameAs(oops);
            assertThat(Asyncio.currentTask().cancelling()).isZero();
        });
    }

    @ParameterizedTest
    @EnumSource
    void whoAwaitsTheTaskHasItsErrorToo(Style style) throws Exception {
        VirtualTime.run(() -> {
            assertThatThrownBy(() -> await(style.supervise(handler, group -> {
                        group.createTask(slow("other"));
                        return group.createTask(this.<Integer>failsAfter(SECOND, oops), "awaited");
                    })))
                    .as("the body fails by it, which ends the group")
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            group -> assertThat(group.exceptions()).containsExactly(oops));
            assertThat(trail).containsExactly("awaited failed: oops", "other clean");
        });
    }

    @ParameterizedTest
    @EnumSource
    void aCancellationFromOutsideEndsAll(Style style) throws Exception {
        VirtualTime.run(() -> {
            Task<Integer> task = createTask(style.supervise(handler, group -> {
                group.createTask(slow("a"));
                return slow("b");
            }));
            await(sleep(SECOND));
            task.cancel();
            assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
            assertThat(trail).containsExactlyInAnyOrder("a clean", "b clean");
        });
    }

    @ParameterizedTest
    @EnumSource
    void aHandlerThatThrowsEndsTheGroup(Style style) throws Exception {
        VirtualTime.run(() -> {
            IllegalStateException enough = new IllegalStateException("enough");
            assertThatThrownBy(() -> await(style.<Integer>supervise(
                            (task, error) -> {
                                throw enough;
                            },
                            group -> {
                                group.createTask(failsAfter(SECOND, oops));
                                group.createTask(slow("other"));
                                return sleep(HOUR, 1);
                            })))
                    .isInstanceOfSatisfying(
                            ExceptionGroup.class,
                            group -> assertThat(group.exceptions()).containsExactly(enough));
            assertThat(trail).containsExactly("other clean");
        });
    }

    @ParameterizedTest
    @EnumSource
    void aFatalErrorEndsTheGroupUntold(Style style) {
        StackOverflowError fatal = new StackOverflowError("fatal");
        assertThat(catchThrowable(() -> VirtualTime.run(() -> {
                    await(style.<Integer>supervise(handler, group -> {
                        group.createTask(failsAfter(SECOND, fatal));
                        group.createTask(slow("other"));
                        return sleep(HOUR, 1);
                    }));
                })))
                .isSameAs(fatal);
        assertThat(trail).containsExactly("other clean");
    }

    @ParameterizedTest
    @EnumSource
    void aTaskThatIsCancelledAloneIsNoFailure(Style style) throws Exception {
        VirtualTime.run(() -> {
            await(style.supervise(handler, group -> {
                Task<Integer> task = group.createTask(slow("cancelled"));
                EventLoop.getRunningLoop().callLater(SECOND, task::cancel);
                return sleep(Duration.ofSeconds(2), 1);
            }));
            assertThat(trail).containsExactly("cancelled clean");
        });
    }

    @ParameterizedTest
    @EnumSource
    void whatIsRestartedIsToldOfWhenItGivesUp(Style style) throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            AtomicInteger tries = new AtomicInteger();
            Mono<Void> flaky = async(() -> {
                trail.add(
                        "try " + tries.incrementAndGet() + " at " + loop.time().toSeconds());
                await(sleep(SECOND));
                throw oops;
            });
            Retry policy = Retry.fixedDelay(2, Duration.ofSeconds(10)).scheduler(loop.scheduler());
            await(style.supervise(handler, group -> {
                group.createTask(flaky.retryWhen(policy), "flaky");
                return sleep(SECOND, 1);
            }));
            assertThat(trail)
                    .containsExactly(
                            "try 1 at 0", "try 2 at 11", "try 3 at 22", "flaky failed: Retries exhausted: 2/2");
        });
    }

    @Test
    void aTaskThatFailsBeforeItHasStartedIsItsCallersAlone() throws Exception {
        VirtualTime.run(() -> {
            await(TaskGroup.superviseBody(handler, group -> {
                assertThat(catchThrowable(() -> await(group.start(started -> failsAfter(SECOND, oops)))))
                        .isSameAs(oops);
                return null;
            }));
            assertThat(trail).isEmpty();
        });
    }

    @Test
    void nullsAreRefused() {
        assertThatThrownBy(() -> TaskGroup.supervise(null, group -> Mono.empty()))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("onFailure");
        assertThatThrownBy(() -> TaskGroup.supervise(handler, null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> TaskGroup.superviseBody(null, group -> 1)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> TaskGroup.superviseBody(handler, null)).isInstanceOf(NullPointerException.class);
    }
}
