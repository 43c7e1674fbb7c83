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
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

@Timeout(60)
class LoopListenerTest {
    private final EventLoop loop = EventLoop.newEventLoop();
    private final List<String> told = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        loop.close();
    }

    private final class Recorder implements LoopListener {
        @Override
        public void taskCreated(Task<?> task) {
            told.add(task.getName() + " created" + (task.done() ? " done" : ""));
        }

        @Override
        public void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {
            told.add(task.getName() + " " + outcome + (exception == null ? "" : " " + exception.getMessage())
                    + (task.done() ? "" : " not done"));
        }

        @Override
        public void cancelRequested(Task<?> task, @Nullable String message) {
            told.add(task.getName() + " cancel " + message);
        }

        @Override
        public void exceptionUnhandled(EventLoop loop, ExceptionContext what) {
            told.add("unhandled " + what.message());
        }
    }

    private static <T> Mono<T> failing(String message) {
        return async(() -> {
            throw new IOException(message);
        });
    }

    @Test
    void tasksOfEveryKindAreToldOnceWhenTheyAreMadeAndWhenTheyAreDone() throws Exception {
        loop.addListener(new Recorder());
        Task<Integer> body = loop.createTask(async(() -> 1), "body");
        Task<Integer> mono = loop.createTask(Mono.just(2), "mono");
        Task<Integer> scope = loop.createTask(TaskGroup.scope(group -> Mono.just(3)), "scope");
        Task<Integer> failed = loop.createTask(failing("boom"), "failed");
        loop.runUntilComplete(async(() -> {
            await(body);
            await(mono);
            await(scope);
            assertThatThrownBy(() -> await(failed)).isInstanceOf(IOException.class);
            Task<Integer> eager =
                    loop.createTask(async(() -> 4), TaskOptions.named("eager").withEager(true));
            assertThat(eager.done()).isTrue();
        }));
        assertThat(told)
                .contains("body created", "mono created", "scope created", "failed created", "eager created")
                .contains("body RESULT", "mono RESULT", "scope RESULT", "failed EXCEPTION boom", "eager RESULT")
                .hasSize(12); // the one above, too
    }

    @Test
    void activitiesAreToldOnceOfTheirFirstEndAndRunInTheContextThatListenersGiveThem() {
        assertThat(Activities.begin(loop, Activity.Kind.SERVER, "early", Context.empty()))
                .isNull();
        loop.addListener(new LoopListener() {
            @Override
            public void activityBegun(Activity activity) {
                activity.putContext("key", activity.getContext().get("key") + "'");
                told.add("begun " + activity);
            }

            @Override
            public void activityEnded(Activity activity, Outcome outcome, @Nullable Throwable exception) {
                told.add(outcome + " " + activity + (exception == null ? "" : " " + exception.getMessage()));
            }
        });
        Activity server = Activities.begin(loop, Activity.Kind.SERVER, "peer", Context.of("key", 1));
        assertThat(server.getContext().<Object>get("key")).isEqualTo("1'");
        Activities.end(server, new IOException("cut off"));
        Activities.end(server, null);
        Activities.end(null, null); // nothing listened

        Mono<String> context = Mono.deferContextual(here -> Mono.just(here.get("key")));
        assertThat(Activities.around(
                                loop, Activity.Kind.CLIENT, "open", context, (activity, result) -> told.add(result))
                        .contextWrite(Context.of("key", 2))
                        .block())
                .isEqualTo("2'");
        Mono<Integer> failing = Mono.error(new IOException("refused"));
        assertThatThrownBy(
                        () -> Activities.around(loop, Activity.Kind.CLIENT, "shut", failing, (activity, result) -> {})
                                .contextWrite(Context.of("key", 3))
                                .block())
                .hasMessageContaining("refused");
        Activities.around(loop, Activity.Kind.CLIENT, "far", Mono.never(), (activity, result) -> {})
                .contextWrite(Context.of("key", 4))
                .subscribe()
                .dispose();
        assertThat(told)
                .containsExactly(
                        "begun SERVER peer",
                        "EXCEPTION SERVER peer cut off",
                        "begun CLIENT open",
                        "2'",
                        "begun CLIENT shut",
                        "EXCEPTION CLIENT shut refused",
                        "begun CLIENT far",
                        "CANCELLED CLIENT far");
    }

    @Test
    void cancellationIsToldWhenItIsRequestedAndWhenItIsDone() throws Exception {
        loop.addListener(new Recorder());
        loop.runUntilComplete(async(() -> {
            Task<Void> sleeping = createTask(sleep(Duration.ofHours(1)), "sleeping");
            Task<Void> outer = createTask(
                    async(() -> {
                        await(sleeping);
                    }),
                    "outer");
            await(sleep(Duration.ZERO));
            await(sleep(Duration.ZERO));
            told.clear();
            assertThat(outer.cancel("enough")).isTrue();
            await(outer.cancelAndJoin("again"));
            Task<Void> neverBegins = createTask(sleep(Duration.ofHours(1)), "never begins");
            await(neverBegins.cancelAndJoin("at once"));
            assertThat(neverBegins.cancel("too late")).isFalse();
        }));
        assertThat(told.subList(0, 8))
                .containsExactly(
                        "outer cancel enough",
                        "sleeping cancel enough",
                        "outer cancel again",
                        "sleeping cancel again",
                        "sleeping CANCELLED enough",
                        "outer CANCELLED enough",
                        "never begins created",
                        "never begins cancel at once");
        assertThat(told.subList(8, told.size()))
                .hasSize(2)
                .contains("never begins CANCELLED at once")
                .allMatch(text -> !text.contains("too late"));
    }

    @Test
    void whatWaitsForATaskResumesAfterTheListenerWasTold() throws Exception {
        loop.addListener(new Recorder());
        Task<Integer> first = loop.createTask(async(() -> 1), "first");
        loop.runUntilComplete(first.doOnNext(n -> told.add("resumed")));
        assertThat(told).containsSubsequence("first RESULT", "resumed");
    }

    @Test
    void lookingAtAnExceptionDoesNotRetrieveIt() {
        loop.addListener(new Recorder());
        loop.createTask(failing("nobody looks"), "failed");
        loop.callSoon(loop::stop);
        loop.runForever();
        for (int i = 0; i < 3 && told.size() < 2; i++) {
            loop.stop();
            loop.runForever();
        }
        assertThat(told).containsExactly("failed created", "failed EXCEPTION nobody looks");
        assertThat(Leftovers.takeForgotten(loop))
                .singleElement()
                .satisfies(left -> assertThat(left.exception()).hasMessage("nobody looks"));
    }

    @Test
    void aListenerThatThrowsIsLoggedAndDisturbsNobody() throws Exception {
        loop.addListener(new LoopListener() {
            @Override
            public void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {
                throw new AssertionError("of the listener");
            }

            @Override
            public String toString() {
                return "the broken one";
            }
        });
        loop.addListener(new Recorder());
        try (LogCapture log = new LogCapture()) {
            assertThat(loop.<Integer>runUntilComplete(loop.createTask(async(() -> 1), "body")))
                    .isEqualTo(1);
            assertThat(log.records()).singleElement().satisfies(record -> {
                assertThat(record.getMessage()).isEqualTo("Exception in listener the broken one");
                assertThat(record.getThrown()).hasMessage("of the listener");
            });
        }
        assertThat(told).containsExactly("body created", "body RESULT");
    }

    @Test
    void aListenerIsToldAsOftenAsItIsThere() throws Exception {
        Recorder recorder = new Recorder();
        Disposable one = loop.addListener(recorder);
        Disposable other = loop.addListener(recorder);
        one.dispose();
        one.dispose();
        assertThat(one.isDisposed()).isTrue();
        loop.runUntilComplete(loop.createTask(Mono.just(1), "once"));
        other.dispose();
        loop.runUntilComplete(loop.createTask(Mono.just(1), "not at all"));
        assertThat(told).containsExactly("once created", "once RESULT");
        assertThat(loop.events.listeners.none()).isTrue();
    }

    @Test
    void aTaskThatTheLoopsCloseEndsIsToldOnce() {
        loop.addListener(new Recorder());
        loop.createTask(sleep(Duration.ofHours(1)), "left");
        try (LogCapture log = new LogCapture()) {
            loop.close();
            assertThat(log.messages()).singleElement().asString().contains("Task was destroyed but it is pending");
        }
        assertThat(told)
                .containsExactly(
                        "left created",
                        "unhandled Task was destroyed but it is pending!",
                        "left CANCELLED The event loop was closed while left was pending");
    }

    @Test
    @DisplayName("LOOP-28 listeners hear of an exception before the one handler, which decides what becomes of it")
    void exceptionListeners() {
        List<String> heard = new ArrayList<>();
        Disposable listening =
                loop.addExceptionListener((l, what) -> heard.add(l.getName() + " listener " + what.message()));
        loop.addExceptionListener((l, what) -> {
            throw new IllegalStateException("of the listener");
        });
        try (LogCapture log = new LogCapture()) {
            loop.callExceptionHandler(ExceptionContext.of("first").build());
            assertThat(log.messages()).hasSize(2).last().isEqualTo("first");
            assertThat(log.messages().get(0)).startsWith("Exception in listener ");
        }
        loop.setExceptionHandler((l, what) -> heard.add("handler " + what.message()));
        try (LogCapture log = new LogCapture()) {
            loop.callExceptionHandler(ExceptionContext.of("second").build());
            assertThat(log.messages()).hasSize(1);
        }
        listening.dispose();
        loop.callExceptionHandler(ExceptionContext.of("third").build());
        assertThat(heard)
                .containsExactly(
                        loop.getName() + " listener first",
                        loop.getName() + " listener second",
                        "handler second",
                        "handler third");
    }

    @Test
    void coroutinesThatWereForgottenAreToldByTheCollector() throws Exception {
        List<Leftover> forgotten = new CopyOnWriteArrayList<>();
        loop.addListener(new LoopListener() {
            @Override
            public void coroutineForgotten(EventLoop where, Leftover coroutine) {
                assertThat(where).isSameAs(loop);
                forgotten.add(coroutine);
            }
        });
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(async(() -> {
                forgettable().hashCode();
            }));
            Collector.collectUntil(() -> !forgotten.isEmpty());
            assertThat(forgotten).singleElement().satisfies(left -> {
                assertThat(left.kind()).isEqualTo(Leftover.Kind.COROUTINE);
                assertThat(left.description()).contains("LoopListenerTest.forgettable");
            });
            assertThat(log.forgotten("LoopListenerTest.forgettable")).hasSize(1); // still logged
        }
    }

    private static Mono<Integer> forgettable() {
        return async(() -> 1);
    }

    @Test
    void lagIsProbedOnceASecondAndOnlyWhileSomebodyListens() {
        BlockingQueue<Duration> lags = new LinkedBlockingQueue<>();
        LagProbe probe = loop.events.lagProbe();
        probe.look(Duration.ofSeconds(1).toNanos());
        assertThat(loop.statistics().ready()).isZero();
        loop.addListener(new LoopListener() {
            @Override
            public void lagged(EventLoop where, Duration lag) {
                lags.add(lag);
            }
        });
        long before = System.nanoTime();
        probe.look(1);
        probe.look(Duration.ofSeconds(5).toNanos()); // one at a time
        long sent = System.nanoTime();
        while (System.nanoTime() - sent < 2_000_000) {
            Thread.onSpinWait(); // the loop does not run for this long
        }
        loop.stop();
        loop.runForever();
        assertThat(lags).singleElement().satisfies(lag -> {
            assertThat(lag).isGreaterThanOrEqualTo(Duration.ofMillis(2));
            assertThat(lag).isLessThanOrEqualTo(Duration.ofNanos(System.nanoTime() - before));
        });
        probe.look(Duration.ofMillis(10).toNanos()); // the five seconds of above count
        loop.stop();
        loop.runForever();
        assertThat(lags).hasSize(2);
        probe.look(Duration.ofMillis(950).toNanos());
        loop.stop();
        loop.runForever();
        assertThat(lags).hasSize(2);
    }

    @Test
    void aLoopWithVirtualTimeIsNotProbed() {
        EventLoop virtual = VirtualTime.newLoop();
        virtual.addListener(new Recorder());
        LagProbe probe = virtual.events.lagProbe();
        probe.look(Duration.ofSeconds(2).toNanos());
        virtual.stop();
        virtual.runForever();
        assertThat(virtual.statistics().ticks()).isEqualTo(1);
        assertThat(virtual.statistics().ready()).isZero();
        virtual.close();
    }

    @Test
    void theWatchdogProbesALoopThatRuns() throws Exception {
        BlockingQueue<Duration> lags = new LinkedBlockingQueue<>();
        try (LoopThread thread = new LoopThread()) {
            thread.loop.addListener(new LoopListener() {
                @Override
                public void lagged(EventLoop where, Duration lag) {
                    lags.add(lag);
                }
            });
            assertThat(lags.take()).isPositive();
        }
    }
}
