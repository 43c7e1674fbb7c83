package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

@Timeout(60)
class EventLoopTest {
    private final EventLoop loop = EventLoop.newEventLoop();

    @AfterEach
    void close() {
        loop.close();
    }

    @Test
    @DisplayName("LOOP-01 runUntilComplete returns the result, not before the delay has passed")
    void runUntilComplete() throws Exception {
        Duration start = loop.time();
        assertThat(loop.<String>runUntilComplete(sleep(Duration.ofMillis(20), "x")))
                .isEqualTo("x");
        assertThat(loop.time().minus(start)).isGreaterThanOrEqualTo(Duration.ofMillis(20));
        Future<String> future = loop.createFuture();
        loop.callSoon(() -> future.setResult("y"));
        assertThat(loop.<String>runUntilComplete(future)).isEqualTo("y");
        assertThat(loop.<String>runUntilComplete(future))
                .as("again, when it is done")
                .isEqualTo("y");
    }

    @Test
    @DisplayName("LOOP-03 a Future of another loop is refused")
    void otherLoopsFuture() {
        EventLoop other = EventLoop.newEventLoop();
        assertThatThrownBy(() -> loop.runUntilComplete(other.createFuture()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("different loop");
        other.close();
    }

    @Test
    @DisplayName("LOOP-04 running a loop inside a running loop is refused, the same or another")
    void nesting() throws Exception {
        EventLoop other = EventLoop.newEventLoop();
        List<String> refused = new ArrayList<>();
        loop.callSoon(() -> {
            assertThatThrownBy(loop::runForever)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("already running");
            assertThatThrownBy(() -> other.runUntilComplete(Mono.just(1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("while another loop is running");
            assertThatThrownBy(() -> Asyncio.run(Mono.just(1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("cannot be called from a running event loop");
            refused.add("in a callback");
        });
        loop.runUntilComplete(async(() -> {
            assertThatThrownBy(() -> Asyncio.run(() -> 1)).isInstanceOf(IllegalStateException.class);
            refused.add("in a body");
        }));
        assertThat(refused).containsExactlyInAnyOrder("in a callback", "in a body");
        assertThat(other.allTasks()).isEmpty();
        other.close();
    }

    @Test
    @DisplayName("LOOP-05 TSK-27 stop while waiting is an error; the task goes on when the loop runs again")
    void stopWhileWaiting() throws Exception {
        Task<String> task = loop.createTask(sleep(Duration.ofMillis(5), "late"));
        loop.callSoon(loop::stop);
        assertThatThrownBy(() -> loop.runUntilComplete(task))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("Event loop stopped before Future completed");
        assertThat(task.done()).isFalse();
        assertThat(loop.<String>runUntilComplete(task)).isEqualTo("late");
    }

    @Test
    @DisplayName("LOOP-06 LOOP-31 an Error of a callback escapes the loop, which can run again")
    void errorEscapes() throws Exception {
        AssertionError error = new AssertionError("fatal");
        List<ExceptionContext> handled = new ArrayList<>();
        loop.setExceptionHandler((l, what) -> handled.add(what));
        Future<String> never = loop.createFuture();
        loop.callSoon(() -> {
            throw error;
        });
        assertThatThrownBy(() -> loop.runUntilComplete(never)).isSameAs(error);
        assertThat(handled).isEmpty();
        assertThat(loop.isRunning()).isFalse();
        assertThat(loop.<Integer>runUntilComplete(Mono.just(1))).isEqualTo(1);
        never.cancel();
    }

    @Test
    void anErrorOfACallbackEscapesWhoeverHoldsTheLoop() {
        AssertionError error = new AssertionError("fatal");
        assertThatThrownBy(() -> loop.runUntilComplete(async(() -> {
                    createTask(async(() -> {
                        while (true) {
                            await(sleep(Duration.ZERO)); // keeps the loop with the bodies
                        }
                    }));
                    await(sleep(Duration.ofMillis(1)));
                    loop.callSoon(() -> {
                        throw error;
                    });
                    await(sleep(Duration.ofHours(1)));
                })))
                .isSameAs(error);
    }

    @Test
    @DisplayName("LOOP-07 after a fatal error no stop is left behind: a later runForever runs until its own")
    void noStaleStop() throws Exception {
        assertThatThrownBy(() -> loop.runUntilComplete(Mono.fromRunnable(() -> {
                    loop.stop();
                    throw new InternalError("fatal");
                })))
                .isInstanceOf(InternalError.class);
        List<String> ran = new ArrayList<>();
        loop.callSoon(() -> {
            ran.add("first tick");
            loop.callSoon(() -> {
                ran.add("second tick");
                loop.stop();
            });
        });
        loop.runForever();
        assertThat(ran).containsExactly("first tick", "second tick");
    }

    @Test
    @DisplayName("LOOP-08 stop before runForever makes it run exactly one pass without blocking")
    void stopBeforeRun() {
        List<String> ran = new ArrayList<>();
        loop.callSoon(() -> {
            ran.add("first");
            loop.callSoon(() -> ran.add("second"));
        });
        loop.stop();
        loop.runForever();
        assertThat(ran).containsExactly("first");
        loop.stop();
        loop.runForever();
        assertThat(ran).containsExactly("first", "second");
        loop.stop();
        loop.runForever(); // nothing ready: it must not block
    }

    @Test
    @DisplayName("LOOP-09 stop lets the pass finish; what that schedules runs with the next runForever")
    void stopFinishesThePass() {
        List<String> ran = new ArrayList<>();
        loop.callSoon(() -> {
            loop.stop();
            loop.callSoon(() -> ran.add("later"));
        });
        loop.callSoon(() -> ran.add("same pass"));
        loop.runForever();
        assertThat(ran).containsExactly("same pass");
        loop.stop();
        loop.runForever();
        assertThat(ran).containsExactly("same pass", "later");
    }

    @Test
    @DisplayName(
            "LOOP-10 close is idempotent; a closed loop refuses everything and says so; a running one does not close")
    void closed() {
        loop.callSoon(() -> assertThatThrownBy(loop::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("running"));
        loop.stop();
        loop.runForever();
        loop.close();
        loop.close();
        assertThat(loop.isClosed()).isTrue();
        assertThat(loop).hasToString(loop.toString().replace("idle", "closed"));
        List<Runnable> calls = List.of(
                loop::runForever,
                () -> loop.callSoon(() -> {}),
                () -> loop.callSoonThreadsafe(() -> {}),
                () -> loop.callLater(Duration.ZERO, () -> {}),
                () -> loop.callAt(Duration.ZERO, () -> {}),
                () -> loop.createTask(Mono.just(1)));
        for (Runnable call : calls) {
            assertThatThrownBy(call::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("closed");
        }
        assertThatThrownBy(() -> loop.runUntilComplete(Mono.just(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    @DisplayName("LOOP-14 callSoonThreadsafe keeps the order, also from the loop's own thread")
    void threadsafeOrder() {
        List<String> ran = new ArrayList<>();
        loop.callSoon(() -> {
            loop.callSoon(() -> ran.add("1"));
            loop.callSoonThreadsafe(() -> ran.add("2"));
            loop.callSoon(() -> ran.add("3"));
            loop.callSoon(loop::stop);
        });
        loop.runForever();
        assertThat(ran).containsExactly("1", "2", "3");
    }

    @Test
    void twentyThousandWakeUpsFromAnotherThreadLoseNone() throws Exception {
        try (LoopThread thread = new LoopThread()) {
            AtomicInteger count = new AtomicInteger();
            for (int i = 0; i < 20_000; i++) {
                CountDownLatch ran = new CountDownLatch(1);
                thread.loop.callSoonThreadsafe(() -> {
                    count.incrementAndGet();
                    ran.countDown();
                });
                ran.await(); // the loop goes back to select each time
            }
            assertThat(count).hasValue(20_000);
        }
    }

    @Test
    @DisplayName("LOOP-16 a timer handle tells when; null is refused")
    void callLater() {
        Duration before = loop.time();
        TimerHandle handle = loop.callLater(Duration.ofSeconds(10), () -> {});
        assertThat(handle.when()).isBetween(before.plusSeconds(10), loop.time().plusSeconds(10));
        assertThat(handle.cancelled()).isFalse();
        assertThatThrownBy(() -> loop.callLater(null, () -> {}))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("delay");
        assertThatThrownBy(() -> loop.callAt(null, () -> {}))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("when");
        assertThatThrownBy(() -> loop.callSoon(null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("callback");
    }

    @Test
    @DisplayName("LOOP-17 negative delays are due in the next tick, in the order of their times")
    void negativeDelays() {
        List<String> ran = new ArrayList<>();
        loop.callLater(Duration.ofSeconds(-1), () -> ran.add("a"));
        loop.callLater(Duration.ofSeconds(-2), () -> ran.add("b"));
        loop.stop();
        loop.runForever();
        assertThat(ran).containsExactly("b", "a");
    }

    @Test
    @DisplayName("LOOP-18 callAt does not fire early")
    void callAt() {
        Duration when = loop.time().plusMillis(10);
        List<Duration> fired = new ArrayList<>();
        loop.callAt(when, () -> {
            fired.add(loop.time());
            loop.stop();
        });
        loop.runForever();
        assertThat(fired.get(0)).isGreaterThanOrEqualTo(when);
    }

    @Test
    @DisplayName(
            "LOOP-19 timers that are due together run by deadline, equal ones in the order of scheduling, Netty's among them")
    void timerOrder() {
        List<String> ran = new ArrayList<>();
        Duration now = loop.time();
        loop.callAt(now.plusMillis(3), () -> ran.add("3"));
        loop.callAt(now.plusMillis(1), () -> ran.add("1"));
        loop.callAt(now.plusMillis(2), () -> ran.add("2a"));
        loop.callAt(now.plusMillis(2), () -> ran.add("2b"));
        loop.callAt(now.plusMillis(3), loop::stop);
        while (loop.time().compareTo(now.plusMillis(3)) < 0) {
            Thread.onSpinWait();
        }
        loop.runForever();
        assertThat(ran).containsExactly("1", "2a", "2b", "3");
    }

    @Test
    @DisplayName("LOOP-20 what is scheduled during a tick waits for the next one")
    void nextTick() {
        List<String> ran = new ArrayList<>();
        loop.callSoon(() -> {
            ran.add("a");
            loop.callSoon(() -> ran.add("c"));
        });
        loop.callSoon(() -> ran.add("b"));
        loop.callSoon(() -> ran.add("end of tick"));
        loop.callSoon(() -> loop.callSoon(loop::stop));
        loop.runForever();
        assertThat(ran).containsExactly("a", "b", "end of tick", "c");
    }

    @Test
    void aCallbackThatReschedulesItselfStarvesNeitherTimersNorIo() throws Exception {
        CompletableFuture<String> fromThread = new CompletableFuture<>();
        boolean[] timer = new boolean[1];
        Runnable[] self = new Runnable[1];
        self[0] = () -> {
            if (timer[0] && fromThread.isDone()) {
                loop.stop();
            } else {
                loop.callSoon(self[0]);
            }
        };
        loop.callSoon(self[0]);
        loop.callLater(Duration.ofMillis(5), () -> timer[0] = true);
        new Thread(() -> loop.callSoonThreadsafe(() -> fromThread.complete("x"))).start();
        loop.runForever();
        assertThat(fromThread).isDone();
    }

    @Test
    @DisplayName("LOOP-21 cancelled timers are gone at once: long timeouts leave nothing behind")
    void cancelledTimers() {
        for (int i = 0; i < 10_000; i++) {
            loop.callLater(Duration.ofHours(1), () -> {}).cancel();
        }
        loop.stop();
        loop.runForever();
        assertThat(loop.core.timerCount()).isZero();
    }

    @Test
    @DisplayName("LOOP-23 a cancelled handle does not run; cancelling twice or afterwards is harmless")
    void cancelHandle() {
        List<String> ran = new ArrayList<>();
        Handle handle = loop.callSoon(() -> ran.add("cancelled"));
        handle.cancel();
        handle.cancel();
        assertThat(handle.cancelled()).isTrue();
        assertThat(handle.toString()).contains("cancelled");
        Handle runs = loop.callSoon(() -> ran.add("runs"));
        TimerHandle timer = loop.callLater(Duration.ZERO, () -> ran.add("timer"));
        timer.cancel();
        loop.stop();
        loop.runForever();
        assertThat(ran).containsExactly("runs");
        runs.cancel();
        assertThat(runs.cancelled()).isFalse();
    }

    @Test
    @DisplayName(
            "LOOP-24 LOOP-25 LOOP-28 an exception of a callback goes to the handler, by default to the log, and the loop goes on")
    void callbackException() {
        List<ExceptionContext> handled = new ArrayList<>();
        List<String> ran = new ArrayList<>();
        IllegalStateException boom = new IllegalStateException("boom");
        Runnable failing = () -> {
            throw boom;
        };
        loop.setExceptionHandler((l, what) -> handled.add(what));
        Handle handle = loop.callSoon(failing);
        loop.callSoon(() -> ran.add("goes on"));
        loop.stop();
        loop.runForever();
        assertThat(handled).hasSize(1);
        assertThat(handled.get(0).message()).startsWith("Exception in callback");
        assertThat(handled.get(0).exception()).isSameAs(boom);
        assertThat(handled.get(0).handle()).isSameAs(handle);
        assertThat(ran).containsExactly("goes on");
        loop.setExceptionHandler(null);
        try (LogCapture log = new LogCapture()) {
            loop.callSoon(failing);
            loop.stop();
            loop.runForever();
            assertThat(log.records()).hasSize(1);
            assertThat(log.records().get(0).getThrown()).isSameAs(boom);
        }
    }

    @Test
    @DisplayName("LOOP-29 a handler that fails is itself logged, with what it was told; the loop goes on")
    void brokenHandler() {
        loop.setExceptionHandler((l, what) -> {
            throw new IllegalArgumentException("broken handler");
        });
        loop.callSoon(() -> {
            throw new IllegalStateException("boom");
        });
        List<String> ran = new ArrayList<>();
        loop.callSoon(() -> ran.add("goes on"));
        loop.stop();
        try (LogCapture log = new LogCapture()) {
            loop.runForever();
            assertThat(log.records())
                    .extracting(record -> record.getThrown().getMessage())
                    .containsExactly("broken handler", "boom");
        }
        assertThat(ran).containsExactly("goes on");
    }

    @Test
    @DisplayName("LOOP-47 tiny sleeps do not spin")
    void timeoutRounding() throws Exception {
        long before = loop.driver.progress();
        loop.runUntilComplete(async(() -> {
            for (int i = 0; i < 4; i++) {
                await(sleep(Duration.ofNanos(1)));
                await(sleep(Duration.ofNanos(100_000)));
            }
        }));
        assertThat(loop.driver.progress() - before).isLessThan(150);
    }

    @Test
    @DisplayName("LOOP-49 getRunningLoop is the loop in bodies and callbacks, an error elsewhere")
    void runningLoop() throws Exception {
        assertThatThrownBy(EventLoop::getRunningLoop)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("running event loop");
        List<EventLoop> seen = new ArrayList<>();
        loop.callSoon(() -> seen.add(EventLoop.getRunningLoop()));
        loop.runUntilComplete(async(() -> {
            seen.add(EventLoop.getRunningLoop());
        }));
        assertThat(seen).containsExactly(loop, loop);
        assertThatThrownBy(EventLoop::getRunningLoop).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aLoopMayRunOnOneThreadAfterAnother() throws Exception {
        for (int i = 0; i < 3; i++) {
            CompletableFuture<Integer> result = new CompletableFuture<>();
            Thread thread = new Thread(() -> {
                try {
                    result.complete(loop.runUntilComplete(async(() -> {
                        await(sleep(Duration.ofMillis(1)));
                        return 1;
                    })));
                } catch (Exception e) {
                    result.completeExceptionally(e);
                }
            });
            thread.start();
            assertThat(result.get()).isEqualTo(1);
            thread.join();
        }
    }

    @Test
    void closeEndsSuspendedBodiesAndRunsTheirFinallyBlocks() throws Exception {
        EventLoop closing = EventLoop.newEventLoop();
        List<String> order = new ArrayList<>();
        Future<String> never = closing.createFuture();
        Task<?>[] tasks = new Task<?>[2];
        closing.runUntilComplete(async(() -> {
            tasks[0] = createTask(async(() -> {
                try {
                    await(never);
                } finally {
                    order.add("finally on " + (EventLoop.getRunningLoop() == closing));
                    assertThatThrownBy(() -> await(sleep(Duration.ofMillis(1))))
                            .isInstanceOf(IllegalStateException.class)
                            .hasMessageContaining("closed");
                }
            }));
            tasks[1] = createTask(Mono.never().doOnCancel(() -> order.add("disposed")));
            await(sleep(Duration.ZERO));
        }));
        try (LogCapture log = new LogCapture()) {
            closing.close();
            assertThat(log.messages())
                    .hasSize(2)
                    .allMatch(message -> message.startsWith("Task was destroyed but it is pending!"));
        }
        assertThat(order).containsExactlyInAnyOrder("finally on true", "disposed");
        assertThat(tasks).allMatch(Future::cancelled);
    }

    @Test
    void closedLoopsLeaveNoThread() throws Exception {
        EventLoop closing = EventLoop.newEventLoop();
        closing.runUntilComplete(async(() -> {
            List<Task<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                tasks.add(createTask(async(() -> {
                    await(sleep(Duration.ofMillis(1)));
                })));
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
            await(Asyncio.toThread(() -> {}));
        }));
        String name = closing.getName();
        closing.close();
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (threadsOf(name).size() > 0 && System.nanoTime() < deadline) {
            for (Thread thread : threadsOf(name)) {
                thread.join(100);
            }
        }
        assertThat(threadsOf(name)).isEmpty();
    }

    private static List<Thread> threadsOf(String loopName) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith(loopName + "-"))
                .toList();
    }

    @Test
    void whatIsToBeClosedWithTheLoopIs() {
        EventLoop loop = EventLoop.newEventLoop();
        List<String> closed = new ArrayList<>();
        loop.onClose(() -> closed.add("first on the loop: " + loop.netty().inEventLoop()));
        loop.onClose(() -> closed.add("taken back")).dispose();
        loop.onClose(() -> {
            throw new IllegalStateException("a closer that fails is logged, and the others run");
        });
        assertThat(closed).isEmpty();
        loop.close();
        assertThat(closed).containsExactly("first on the loop: true");
        loop.onClose(() -> closed.add("too late"));
        assertThat(closed).endsWith("too late");
    }
}
