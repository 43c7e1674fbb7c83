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
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

class TaskTest {
    private static final Duration LONG = Duration.ofHours(1);

    private static void tick() throws Exception {
        await(sleep(Duration.ZERO));
    }

    private static void assertCancelled(Task<?> task) {
        assertThatThrownBy(() -> await(task)).isInstanceOf(CancelledException.class);
        assertThat(task.cancelled()).isTrue();
    }

    // ---- creation and results

    @Test
    @DisplayName("TSK-01 a task ends with its body's value; nested awaits add up")
    void basics() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> inner = createTask(async(() -> 42));
            Task<Integer> outer = createTask(async(() -> await(inner) + 1000));
            assertThat(await(outer)).isEqualTo(1042);
            assertThat(outer.done()).isTrue();
            assertThat(outer.getLoop()).isSameAs(EventLoop.getRunningLoop());
        });
    }

    @Test
    void aMonoIsACoroutineToo() throws Exception {
        AtomicInteger subscriptions = new AtomicInteger();
        Asyncio.run(() -> {
            Task<Integer> task = createTask(Mono.fromSupplier(subscriptions::incrementAndGet));
            assertThat(subscriptions).hasValue(0);
            assertThat(await(task)).isEqualTo(1);
            assertThat(await(createTask(Mono.<String>empty()))).isNull();
            assertThatThrownBy(() -> await(createTask(Mono.error(new IOException("e")))))
                    .isInstanceOf(IOException.class)
                    .hasMessage("e");
            assertThat(await(createTask(Mono.just("x").publishOn(Schedulers.parallel()))))
                    .isEqualTo("x");
            Future<String> future = new Future<>();
            Task<String> waits = createTask(future);
            tick();
            future.setResult("done");
            assertThat(await(waits)).isEqualTo("done");
        });
        assertThat(subscriptions).hasValue(1);
    }

    @Test
    @DisplayName("TSK-05 ensureFuture makes a task of a coroutine and leaves a Future as it is")
    void ensureFuture() throws Exception {
        Asyncio.run(() -> {
            Future<String> future = new Future<>();
            assertThat(Asyncio.<String>ensureFuture(future)).isSameAs(future);
            assertThat(await(Asyncio.ensureFuture(async(() -> "x")))).isEqualTo("x");
        });
        assertThatThrownBy(() -> Asyncio.ensureFuture(Mono.just(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("createTask");
    }

    @Test
    @DisplayName("TSK-09 TSK-40 generated names count up; a given name is kept; setName renames")
    void names() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> first = createTask(async(() -> 1));
            Task<Integer> second = createTask(async(() -> 1));
            assertThat(first.getName()).matches("Task-\\d+");
            assertThat(number(second)).isGreaterThan(number(first));
            Task<Integer> named = createTask(async(() -> 1), "worker");
            assertThat(named.getName()).isEqualTo("worker");
            assertThat(named.toString()).isEqualTo("<Task pending name='worker'>");
            named.setName("other");
            assertThat(await(named)).isEqualTo(1);
            assertThat(named).hasToString("<Task finished result=1 name='other'>");
        });
    }

    private static long number(Task<?> task) {
        return Long.parseLong(task.getName().substring("Task-".length()));
    }

    @Test
    @DisplayName("TSK-28 a task's result cannot be set from outside")
    void setMethods() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> task = createTask(async(() -> 1));
            assertThatThrownBy(() -> task.setResult(2))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("setResult");
            assertThatThrownBy(() -> task.setException(new IOException()))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> task.trySetResult(2)).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> task.trySetException(new IOException()))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThat(await(task)).isEqualTo(1);
        });
    }

    @Test
    @DisplayName("TSK-30 awaiting a Future adds one waiter and yields the identical object")
    void identicalResult() throws Exception {
        Asyncio.run(() -> {
            Future<Object> future = new Future<>();
            Task<Object> task = createTask(async(() -> await(future)));
            tick();
            assertThat(task.toString()).contains("wait_for=<Future pending>");
            Object value = new Object();
            future.setResult(value);
            assertThat(await(task)).isSameAs(value);
        });
    }

    @Test
    @DisplayName(
            "TSK-32 TSK-33 currentTask is the task inside it, also after interleaving, null in a callback, an error without a loop")
    void currentTask() throws Exception {
        assertThatThrownBy(Asyncio::currentTask)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("running event loop");
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Object> inCallback = new ArrayList<>();
            loop.callSoon(() -> inCallback.add(String.valueOf(Asyncio.currentTask())));
            List<Task<?>> tasks = new ArrayList<>();
            AtomicInteger right = new AtomicInteger();
            for (int i = 0; i < 2; i++) {
                tasks.add(createTask(async(() -> {
                    Task<?> me = Asyncio.currentTask();
                    for (int k = 0; k < 50; k++) {
                        tick();
                        if (Asyncio.currentTask() == me && tasks.contains(me)) {
                            right.incrementAndGet();
                        }
                    }
                })));
            }
            for (Task<?> task : tasks) {
                await(task);
            }
            assertThat(right).hasValue(100);
            assertThat(inCallback).containsExactly("null");
            Task<Object> mono = createTask(Mono.fromSupplier(Asyncio::currentTask));
            assertThat(await(mono)).isSameAs(mono);
        });
    }

    @Test
    @DisplayName("TSK-45 source and context of a task are those it was made with")
    void sourceAndContext() throws Exception {
        Asyncio.run(() -> {
            Mono<String> coroutine = async(() -> Asyncio.currentContext().get("key"));
            Task<String> task = EventLoop.getRunningLoop().createTask(coroutine, null, Context.of("key", "mine"));
            assertThat((Object) task.source()).isSameAs(coroutine);
            assertThat(task.getContext().<String>get("key")).isEqualTo("mine");
            assertThat(await(task)).isEqualTo("mine");
        });
    }

    @Test
    @DisplayName("TSK-42 TSK-43 each task keeps its own context across suspensions; callbacks have theirs")
    void contexts() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            List<Task<Boolean>> tasks = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                int number = i;
                tasks.add(loop.createTask(
                        async(() -> {
                            boolean kept = true;
                            for (int k = 0; k < 5; k++) {
                                await(sleep(Duration.ofNanos(number % 7 * 1000)));
                                kept &= Asyncio.currentContext().<Integer>get("n") == number;
                            }
                            // a child inherits, an operator sees it too
                            kept &= await(createTask(
                                            async(() -> Asyncio.currentContext().<Integer>get("n"))))
                                    == number;
                            kept &= await(Mono.deferContextual(context -> Mono.just(context.<Integer>get("n"))))
                                    == number;
                            return kept;
                        }),
                        null,
                        Context.of("n", number)));
            }
            for (Task<Boolean> task : tasks) {
                assertThat(await(task)).isTrue();
            }
            assertThat(Asyncio.currentContext().isEmpty()).isTrue();
            List<Boolean> empty = new ArrayList<>();
            tasks.get(0)
                    .addDoneCallback(done -> empty.add(Asyncio.currentContext().isEmpty()));
            tick();
            assertThat(empty).containsExactly(true);
        });
    }

    @Test
    void runningTasksAreListedAndHeldStrongly() throws Exception {
        Asyncio.run(() -> {
            Future<String> gate = new Future<>();
            createTask(async(() -> await(gate)), "held");
            System.gc();
            tick();
            assertThat(Asyncio.allTasks())
                    .extracting(Task::getName)
                    .contains("held")
                    .hasSize(2);
            gate.setResult("x");
            tick();
            tick();
            assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
        });
    }

    // ---- cancellation

    @Test
    @DisplayName("TSK-02 TSK-18 a task cancelled before its first step never starts")
    void cancelBeforeStart() throws Exception {
        AtomicBoolean ran = new AtomicBoolean();
        Asyncio.run(() -> {
            Task<Void> body = createTask(async(() -> ran.set(true)));
            Task<Void> mono = createTask(Mono.fromRunnable(() -> ran.set(true)));
            body.cancel("my message");
            mono.cancel("mono message");
            assertThatThrownBy(() -> await(body))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("my message");
            assertThatThrownBy(() -> await(mono))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("mono message");
        });
        assertThat(ran).isFalse();
    }

    @Test
    @DisplayName("TSK-11 TSK-15 cancel counts and returns true until the task is done")
    void cancelling() throws Exception {
        Asyncio.run(() -> {
            Task<Void> task = createTask(sleep(LONG));
            tick();
            assertThat(task.cancelling()).isZero();
            assertThat(task.cancel()).isTrue();
            assertThat(task.cancelling()).isEqualTo(1);
            assertThat(task.toString()).contains("cancelling");
            assertThat(task.cancel()).isTrue();
            assertThat(task.cancelling()).isEqualTo(2);
            assertCancelled(task);
            assertThat(task.done()).isTrue();
            assertThat(task.cancel()).isFalse();
        });
    }

    @Test
    @DisplayName("TSK-12 uncancel takes a request back and lets the task end as if nothing had been")
    void uncancel() throws Exception {
        Asyncio.run(() -> {
            Task<String> task = createTask(async(() -> {
                try {
                    await(sleep(LONG));
                } catch (CancelledException e) {
                    Asyncio.currentTask().uncancel();
                }
                await(sleep(LONG));
                return "refused";
            }));
            tick();
            task.cancel();
            assertThat(task.cancelling()).isEqualTo(1);
            tick();
            assertThat(task.cancelling()).isZero();
            assertThat(task.cancelled()).isFalse();
            assertThat(task.toString()).doesNotContain("cancelling");
            task.cancel();
            assertCancelled(task);
            assertThat(task.uncancel()).isZero();
            assertThat(task.cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("uncancel to zero drops a request that was not delivered yet (3.13)")
    void uncancelRescinds() throws Exception {
        Asyncio.run(() -> {
            Task<String> task = createTask(async(() -> {
                Task<?> me = Asyncio.currentTask();
                me.cancel();
                assertThat(me.uncancel()).isZero();
                tick();
                return "undisturbed";
            }));
            assertThat(await(task)).isEqualTo("undisturbed");
        });
    }

    @Test
    @DisplayName("TSK-13 a hand-written timeout that cancels its own task leaves no trace")
    void structuredBlocks() throws Exception {
        Asyncio.run(() -> {
            assertThat(await(createTask(async(() -> withTimeout(Duration.ofMillis(1), sleep(LONG))))))
                    .isEqualTo("timeout");
            assertThat(await(createTask(async(() -> withTimeout(LONG, sleep(Duration.ofMillis(1)))))))
                    .isEqualTo("in time");
        });
    }

    private static String withTimeout(Duration timeout, Mono<Void> work) throws Exception {
        Task<?> me = Asyncio.currentTask();
        boolean[] triggered = new boolean[1];
        TimerHandle timer = EventLoop.getRunningLoop().callLater(timeout, () -> {
            triggered[0] = true;
            me.cancel();
        });
        String outcome = "in time";
        try {
            try {
                await(work);
            } finally {
                timer.cancel();
                if (triggered[0] && me.uncancel() == 0) {
                    outcome = "timeout";
                }
            }
        } catch (CancelledException e) {
            assertThat(outcome).isEqualTo("timeout");
        }
        assertThat(me.cancelling()).isZero();
        tick();
        return outcome;
    }

    @Test
    @DisplayName("TSK-16 the message of cancel is in what result and exception throw")
    void cancelMessages() throws Exception {
        Asyncio.run(() -> {
            for (String message : new String[] {null, "my message"}) {
                Task<Void> task = createTask(sleep(LONG));
                tick();
                task.cancel(message);
                assertCancelled(task);
                assertThatThrownBy(task::result)
                        .isInstanceOf(CancelledException.class)
                        .hasMessage(message);
                assertThatThrownBy(task::exception)
                        .isInstanceOf(CancelledException.class)
                        .hasMessage(message);
            }
        });
    }

    @Test
    @DisplayName("TSK-17 a cancelled inner task may be wrapped by the outer one")
    void cancellationAsCause() throws Exception {
        Asyncio.run(() -> {
            Task<Void> inner = createTask(sleep(LONG));
            Task<Void> outer = createTask(async(() -> {
                try {
                    await(inner);
                } catch (CancelledException e) {
                    throw new IllegalArgumentException("wrapped", e);
                }
            }));
            tick();
            inner.cancel("msg");
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(IllegalArgumentException.class)
                    .cause()
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("msg");
            assertThat(outer.cancelled()).isFalse();
        });
    }

    @Test
    @DisplayName("TSK-19 a task that yields bare ticks is cancelled at the next one")
    void cancelYield() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger ticks = new AtomicInteger();
            Task<Void> task = createTask(async(() -> {
                while (true) {
                    ticks.incrementAndGet();
                    tick();
                }
            }));
            tick();
            tick();
            int before = ticks.get();
            task.cancel();
            assertCancelled(task);
            assertThat(ticks.get()).isEqualTo(before);
        });
    }

    @Test
    @DisplayName("TSK-20 TSK-21 cancelling the awaited Future, or both, ends the task cancelled")
    void cancelInner() throws Exception {
        Asyncio.run(() -> {
            for (boolean both : new boolean[] {false, true}) {
                Future<String> future = new Future<>();
                Task<String> task = createTask(async(() -> await(future)));
                tick();
                future.cancel();
                if (both) {
                    task.cancel();
                }
                assertCancelled(task);
                assertThat(future.cancelled()).isTrue();
            }
        });
    }

    @Test
    @DisplayName("TSK-22 TSK-36 cancel cancels the awaited Future at once; a body that catches it may return a value")
    void cancelCatching() throws Exception {
        Asyncio.run(() -> {
            Future<String> first = new Future<>();
            Future<String> second = new Future<>();
            Task<Integer> task = createTask(async(() -> {
                await(first);
                try {
                    await(second);
                } catch (CancelledException e) {
                    return 42;
                }
                return 0;
            }));
            tick();
            first.setResult("x");
            tick();
            task.cancel();
            assertThat(second.cancelled()).isTrue();
            assertThat(await(task)).isEqualTo(42);
            assertThat(task.cancelled()).isFalse();
        });
    }

    @Test
    @DisplayName("TSK-23 one cancel delivers one CancelledException: the next await is undisturbed")
    void cancelIgnoring() throws Exception {
        Asyncio.run(() -> {
            Future<String> second = new Future<>();
            Future<String> third = new Future<>();
            Task<Integer> task = createTask(async(() -> {
                try {
                    await(second);
                } catch (CancelledException e) {
                    assertThat(await(third)).isEqualTo("x");
                }
                return 42;
            }));
            tick();
            task.cancel();
            tick();
            assertThat(second.cancelled()).isTrue();
            assertThat(third.cancelled()).isFalse();
            third.setResult("x");
            assertThat(await(task)).isEqualTo(42);
            assertThat(third.cancelled()).isFalse();
        });
    }

    @Test
    @DisplayName("TSK-24 TSK-26 a task that cancels itself gets it at its next await, and what it awaits is cancelled")
    void cancelCurrent() throws Exception {
        Asyncio.run(() -> {
            Task<Void> sleeper = createTask(async(() -> {
                Asyncio.currentTask().cancel();
                await(sleep(LONG));
            }));
            assertCancelled(sleeper);
            Future<String> innermost = new Future<>();
            Task<String> nested = createTask(async(() -> await(innermost)));
            tick();
            Task<String> outer = createTask(async(() -> {
                Asyncio.currentTask().cancel();
                return await(nested);
            }));
            assertCancelled(outer);
            assertThat(nested.cancelled()).isTrue();
            assertThat(innermost.cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("TSK-25 a request that was not delivered wins over the return value")
    void cancelAtEnd() throws Exception {
        Asyncio.run(() -> {
            Task<Integer> task = createTask(async(() -> {
                Asyncio.currentTask().cancel("late");
                return 12;
            }));
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("late");
            assertThat(task.cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName(
            "TSK-34 cancelling the outer task cancels the innermost Future; each level may observe and the outer swallow")
    void cancelPassesInwards() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger seen = new AtomicInteger();
            Future<String> waiter = new Future<>();
            Task<Void> outer = createTask(async(() -> {
                try {
                    await(async(() -> {
                        try {
                            await(waiter);
                        } catch (CancelledException e) {
                            seen.addAndGet(1);
                            throw e;
                        }
                    }));
                } catch (CancelledException e) {
                    seen.addAndGet(100);
                }
            }));
            tick();
            outer.cancel();
            assertThat(waiter.cancelled()).isTrue();
            await(outer);
            assertThat(seen).hasValue(101);
            assertThat(outer.cancelled()).isFalse();
        });
    }

    @Test
    @DisplayName("TSK-37 a long sleep cancelled by a timer ends then (virtual time)")
    void cancelSleepingByTimer() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            Task<Void> task = createTask(sleep(Duration.ofSeconds(5000)));
            loop.callLater(Duration.ofMillis(100), task::cancel);
            assertCancelled(task);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofMillis(100));
        });
    }

    @Test
    void awaitingACancelledTaskWaitsForItsCleanup() throws Exception {
        Asyncio.run(() -> {
            List<String> order = new ArrayList<>();
            Task<Void> task = createTask(async(() -> {
                try {
                    await(sleep(LONG));
                } finally {
                    order.add("cleanup begins");
                    await(sleep(Duration.ofMillis(2)));
                    order.add("cleanup ends");
                }
            }));
            tick();
            task.cancel();
            assertCancelled(task);
            order.add("joined");
            assertThat(order).containsExactly("cleanup begins", "cleanup ends", "joined");
        });
    }

    @Test
    void cancellingAMonoTaskDisposesTheMono() throws Exception {
        Asyncio.run(() -> {
            AtomicInteger disposed = new AtomicInteger();
            Task<String> task = createTask(Mono.<String>never().doOnCancel(disposed::incrementAndGet));
            tick();
            task.cancel("why");
            assertThatThrownBy(() -> await(task))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("why");
            assertThat(disposed).hasValue(1);
        });
    }

    @Test
    void aChainOfTasksIsCancelledToItsEndWithoutStack() throws Exception {
        Asyncio.run(() -> {
            Future<String> last = new Future<>();
            Future<String> previous = last;
            for (int i = 0; i < 20_000; i++) {
                previous = createTask(previous);
            }
            tick();
            assertThat(previous.cancel("all")).isTrue();
            assertThat(last.cancelled()).isTrue();
            Future<String> first = previous;
            assertThatThrownBy(() -> await(first)).isInstanceOf(CancelledException.class);
        });
    }

    // ---- errors

    @Test
    @DisplayName("LOOP-26 TSK-49 an exception that nobody retrieved is logged when the task is collected")
    void neverRetrieved() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                createTask(
                        async(() -> {
                            throw new IOException("forgotten");
                        }),
                        "forgetful");
                tick();
                tick();
            });
            Collector.collectUntil(() -> !log.forgotten("forgetful").isEmpty());
            assertThat(log.forgotten("forgetful"))
                    .containsExactly("Task exception was never retrieved: task forgetful");
            assertThat(log.forgottenRecords("forgetful").get(0).getThrown())
                    .isInstanceOf(IOException.class)
                    .hasMessage("forgotten");
        }
    }

    @Test
    @DisplayName("TSK-31 a fatal error in a body ends the task and escapes the loop")
    void fatalError() throws Exception {
        EventLoop loop = EventLoop.newEventLoop();
        InternalError fatal = new InternalError("fatal");
        List<Task<?>> made = new ArrayList<>();
        assertThatThrownBy(() -> loop.runUntilComplete(async(() -> {
                    made.add(createTask(async(() -> {
                        try {
                            await(sleep(LONG));
                        } catch (CancelledException e) {
                            throw fatal;
                        }
                    })));
                    tick();
                    made.get(0).cancel();
                    await(sleep(LONG));
                })))
                .isSameAs(fatal);
        assertThat(made.get(0).done()).isTrue();
        assertThat(made.get(0).cancelled()).isFalse();
        assertThat(made.get(0).exception()).isSameAs(fatal);
        try (LogCapture log = new LogCapture()) {
            loop.close(); // the main task is still asleep
            assertThat(log.messages()).anyMatch(message -> message.startsWith("Task was destroyed but it is pending!"));
        }
    }

    @Test
    void exceptionsArriveAsTheyWereThrown() throws Exception {
        IOException thrown = new IOException("checked");
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    await(createTask(async(() -> {
                        throw thrown;
                    })));
                }))
                .isSameAs(thrown);
        assertThatThrownBy(() -> Asyncio.run(Mono.error(new TimeoutException("t"))))
                .isInstanceOf(TimeoutException.class);
    }

    @Test
    @DisplayName("TSK-47 createTask on a closed loop throws, and its coroutine is not reported")
    void createTaskOnClosedLoop() {
        EventLoop loop = EventLoop.newEventLoop();
        loop.close();
        assertThatThrownBy(() -> loop.createTask(async(() -> 1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThat(loop.allTasks()).isEmpty();
    }
}
