package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitTasks;
import static asyncio.ReturnWhen.ALL_COMPLETED;
import static asyncio.ReturnWhen.FIRST_COMPLETED;
import static asyncio.ReturnWhen.FIRST_EXCEPTION;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

@Timeout(60)
class WaitTasksTest {
    private final IOException oops = new IOException("oops");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static Task<String> taskOf(int millis, String result) {
        return createTask(sleep(Duration.ofMillis(millis), result));
    }

    private Task<String> failing(int millis) {
        return createTask(sleep(Duration.ofMillis(millis)).then(Mono.error(oops)));
    }

    private static Duration elapsed(Duration start) {
        return EventLoop.getRunningLoop().time().minus(start);
    }

    private static void assertNobodyWaits(Future<?> future) {
        DoneCallback<?> probe = probe(future);
        assertThat(future.addWaiter(probe)).isTrue();
        assertThat(probe.previous).as("whoever waited before").isNull();
        assertThat(future.removeWaiter(probe)).isTrue();
    }

    private static <T> DoneCallback<T> probe(Future<T> future) {
        return new DoneCallback<>(future, f -> {}, Context.empty());
    }

    @Test
    @DisplayName("WAI-01 all are done after the slowest; waiting again returns at once")
    void all() throws Exception {
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            Task<String> a = taskOf(100, "a");
            Task<String> b = taskOf(150, "b");
            for (int i = 0; i < 2; i++) {
                WaitResult<Task<String>> result = await(waitTasks(List.of(b, a), ALL_COMPLETED));
                assertThat(result.done()).containsExactly(b, a);
                assertThat(result.pending()).isEmpty();
                assertThat(elapsed(start)).isEqualTo(Duration.ofMillis(150));
            }
        });
    }

    @Test
    void subscribedOffEveryLoop() {
        EventLoop loop = EventLoop.shared().next();
        Task<String> a = loop.createTask(sleep(Duration.ofMillis(5), "a"));
        Future<String> never = new Future<>();
        StepVerifier.create(waitTasks(List.of(never, a), FIRST_COMPLETED))
                .assertNext(result -> {
                    assertThat(result.done()).containsExactly(a);
                    assertThat(result.pending()).containsExactly(never);
                })
                .verifyComplete();
        StepVerifier.create(waitTasks(List.of(never), ALL_COMPLETED, Duration.ofMillis(5)))
                .assertNext(result -> assertThat(result.pending()).containsExactly(never))
                .verifyComplete();
        StepVerifier.create(waitTasks(List.of(never), ALL_COMPLETED))
                .thenAwait(Duration.ofMillis(1))
                .thenCancel()
                .verify();
        assertThat(never.done()).isFalse();
        assertNobodyWaits(never);
    }

    @Test
    @DisplayName("WAI-02 the same task given twice is one")
    void duplicates() throws Exception {
        Asyncio.run(() -> {
            Task<String> a = taskOf(1, "a");
            assertThat(await(waitTasks(List.of(a, a), ALL_COMPLETED)).done()).containsExactly(a);
        });
    }

    @Test
    @DisplayName("WAI-03 nothing to wait for is an error, at once")
    void invalid() throws Exception {
        assertThatThrownBy(() -> waitTasks(List.of(), ALL_COMPLETED))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at least one");
        Future<String> future = new Future<>();
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                assertThatThrownBy(() -> waitTasks(List.of(future), null)).isInstanceOf(NullPointerException.class);
            });
            assertThat(log.forgotten("made at asyncio.WaitTasksTest")).isEmpty();
        }
    }

    @Test
    @DisplayName("WAI-04 FIRST_COMPLETED returns with the first; the other is not cancelled")
    void firstCompleted() throws Exception {
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            Task<String> a = taskOf(10_000, "a");
            Task<String> b = taskOf(100, "b");
            WaitResult<Task<String>> result = await(waitTasks(List.of(b, a), FIRST_COMPLETED));
            assertThat(result.done()).containsExactly(b);
            assertThat(result.pending()).containsExactly(a);
            assertThat(a.done()).isFalse();
            assertThat(elapsed(start)).isEqualTo(Duration.ofMillis(100));
            assertThat(await(a)).isEqualTo("a");
        });
    }

    @Test
    @DisplayName("WAI-05 what is done when the waiting code goes on is reported done")
    void reallyDone() throws Exception {
        Asyncio.run(() -> {
            Task<Void> a = createTask(async(() -> {
                await(sleep(Duration.ZERO));
            }));
            Task<Void> b = createTask(async(() -> {
                await(sleep(Duration.ZERO));
                await(sleep(Duration.ZERO));
            }));
            assertThat(await(waitTasks(List.of(b, a), FIRST_COMPLETED)).done()).containsExactly(b, a);
        });
    }

    @Test
    @DisplayName("WAI-06 FIRST_EXCEPTION returns at once if one has failed already")
    void firstExceptionAlready() throws Exception {
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            Task<String> a = taskOf(10_000, "a");
            Task<String> b = failing(0);
            WaitResult<Task<String>> result = await(waitTasks(List.of(a, b), FIRST_EXCEPTION));
            assertThat(result.done()).containsExactly(b);
            assertThat(result.pending()).containsExactly(a);
            assertThat(elapsed(start)).isZero();
            assertThat(b.exception()).isSameAs(oops);
            assertThat(await(waitTasks(List.of(a, b), FIRST_EXCEPTION)).done()).containsExactly(b);
        });
    }

    @Test
    @DisplayName("WAI-07 FIRST_EXCEPTION returns when one fails; a cancellation is no exception")
    void firstException() throws Exception {
        VirtualTime.run(() -> {
            Duration start = EventLoop.getRunningLoop().time();
            Task<String> slow = taskOf(10_000, "a");
            Task<String> failing = failing(10);
            Future<String> cancelled = new Future<>();
            cancelled.cancel();
            WaitResult<Future<String>> result = await(waitTasks(List.of(slow, failing, cancelled), FIRST_EXCEPTION));
            assertThat(result.done()).containsExactly(failing, cancelled);
            assertThat(result.pending()).containsExactly(slow);
            assertThat(elapsed(start)).isEqualTo(Duration.ofMillis(10));
            assertThat(failing.exception()).isSameAs(oops);
        });
    }

    @Test
    @DisplayName("WAI-08 ALL_COMPLETED never throws; who failed is done, and its exception left to be retrieved")
    void withException() throws Exception {
        VirtualTime.run(() -> {
            Task<String> a = taskOf(100, "a");
            Task<String> b = failing(150);
            assertThat(await(waitTasks(List.of(a, b), ALL_COMPLETED)).done()).containsExactly(a, b);
            assertThat(b.exception()).isSameAs(oops);
        });
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                await(waitTasks(List.of(failing(0)), FIRST_EXCEPTION));
            });
            assertThat(log.forgotten(oops.toString()))
                    .singleElement()
                    .asString()
                    .startsWith("Task exception was never retrieved");
        }
    }

    @Test
    @DisplayName("WAI-09 the end of the time is no error; who is pending goes on")
    void timeout() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Task<String> a = taskOf(100, "a");
            Task<String> b = taskOf(150, "b");
            WaitResult<Task<String>> result = await(waitTasks(List.of(a, b), ALL_COMPLETED, Duration.ofMillis(110)));
            assertThat(result.done()).containsExactly(a);
            assertThat(result.pending()).containsExactly(b);
            assertThat(elapsed(start)).isEqualTo(Duration.ofMillis(110));
            assertThat(b.cancelling()).isZero();
            // both at the same time: Futures that are done by then count as done
            result = await(waitTasks(List.of(a, b), ALL_COMPLETED, Duration.ofMillis(40)));
            assertThat(result.done()).containsExactly(a, b);
            assertThat(loop.core.timerCount()).isZero();
            assertThat(await(waitTasks(List.of(new Future<>()), ALL_COMPLETED, Duration.ZERO))
                            .done())
                    .isEmpty();
        });
    }

    @Test
    void aWaitThatEndsInTimeLeavesNoTimer() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Future<String> done = new Future<>();
            done.setResult("x");
            await(waitTasks(List.of(done), ALL_COMPLETED, Duration.ofHours(1)));
            await(waitTasks(List.of(taskOf(1, "x")), ALL_COMPLETED, Duration.ofHours(1)));
            assertThat(loop.core.timerCount()).isZero();
        });
    }

    @Test
    @DisplayName("WAI-10 any Iterable of tasks will do")
    void iterables() throws Exception {
        Asyncio.run(() -> {
            List<Task<String>> tasks = new ArrayList<>();
            Iterable<Task<String>> iterable = () -> IntStream.range(0, 3)
                    .mapToObj(i -> {
                        Task<String> task = taskOf(1, "x" + i);
                        tasks.add(task);
                        return task;
                    })
                    .iterator();
            assertThat(await(waitTasks(iterable, ALL_COMPLETED)).done()).containsExactlyElementsOf(tasks);
        });
    }

    @Test
    @DisplayName("WAI-11 cancelling the one who waits leaves the task running, and nothing behind on it")
    void cancelling() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Task<String> inner = taskOf(1_000, "inner");
            Task<WaitResult<Task<String>>> outer =
                    createTask(async(() -> await(waitTasks(List.of(inner), ALL_COMPLETED, Duration.ofHours(1)))));
            Task<WaitResult<Task<String>>> mono = createTask(waitTasks(List.of(inner), ALL_COMPLETED));
            await(sleep(Duration.ofMillis(1)));
            outer.cancel("enough");
            mono.cancel();
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("enough");
            assertThatThrownBy(() -> await(mono)).isInstanceOf(CancelledException.class);
            assertNobodyWaits(inner);
            assertThat(loop.core.timerCount()).as("the sleep of the inner").isEqualTo(1);
            assertThat(await(inner)).isEqualTo("inner");
        });
    }

    @Test
    void thoseThatArePendingAreLeftWithoutWaiters() throws Exception {
        Asyncio.run(() -> {
            Future<String> first = new Future<>();
            Future<String> pending = new Future<>();
            EventLoop.getRunningLoop().callSoon(() -> first.setResult("x"));
            await(waitTasks(List.of(pending, first), FIRST_COMPLETED));
            assertNobodyWaits(pending);
        });
    }

    @Test
    void aLoopThatIsClosedEndsTheWaiting() {
        EventLoop loop = EventLoop.newEventLoop();
        Future<String> never = new Future<>();
        MonoWaitTasks.Latch latch =
                MonoWaitTasks.Latch.start(MonoWaitTasks.of(List.of(never), ALL_COMPLETED, Duration.ofHours(1)), loop);
        loop.close();
        StepVerifier.create(latch)
                .verifyErrorMatches(e -> e instanceof IllegalStateException
                        && e.getMessage()
                                .equals("The event loop was closed while waitTasks(ALL_COMPLETED of 1) was waiting"));
        assertNobodyWaits(never);
    }

    @Test
    void waitsForAMillion() throws Exception {
        Asyncio.run(() -> {
            List<Future<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < 1_000_000; i++) {
                futures.add(new Future<>());
            }
            EventLoop.getRunningLoop().callSoon(() -> futures.forEach(future -> future.setResult(1)));
            assertThat(await(waitTasks(futures, ALL_COMPLETED)).done().size()).isEqualTo(1_000_000);
        });
    }
}
