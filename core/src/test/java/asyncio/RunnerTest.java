package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import asyncio.internal.loop.BodyThreads;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.util.context.Context;

@Timeout(60)
class RunnerTest {
    @Test
    @DisplayName("RUN-03 RUN-10 debug on or off overrides the process's mode; left alone it follows that")
    void debug() throws Exception {
        assertThat(Asyncio.run(() -> EventLoop.getRunningLoop().getDebug(), true))
                .isTrue();
        assertThat(Asyncio.run(() -> EventLoop.getRunningLoop().getDebug(), false))
                .isFalse();
        assertThat(Asyncio.run(() -> EventLoop.getRunningLoop().getDebug())).isEqualTo(DebugMode.ENABLED);
        try (Runner runner = Runner.builder().debug(true).build()) {
            assertThat(runner.getLoop().getDebug()).isTrue();
        }
    }

    @Test
    @DisplayName("RUN-04 RUN-16 run inside a running loop is refused, of Asyncio and of a runner")
    void insideALoop() throws Exception {
        try (Runner runner = new Runner()) {
            runner.run(() -> {
                assertThatThrownBy(() -> Asyncio.run(Mono.just(1)))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("cannot be called from a running event loop");
                assertThatThrownBy(() -> runner.run(Mono.just(1)))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("cannot be called from a running event loop");
                assertThatThrownBy(runner::close)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageContaining("cannot be called from a running event loop");
            });
            assertThat(runner.run(Mono.just("still open"))).isEqualTo("still open");
        }
    }

    @Test
    @DisplayName("RUN-06 a left-over task that fails when it is cancelled is reported, with its exception")
    void leftOverTaskThatFails() throws Exception {
        List<ExceptionContext> reported = new ArrayList<>();
        AtomicReference<Task<?>> left = new AtomicReference<>();
        IOException failure = new IOException("while cleaning up");
        Asyncio.run(() -> {
            EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> reported.add(what));
            left.set(createTask(async(() -> {
                try {
                    await(sleep(Duration.ofHours(1)));
                } catch (CancelledException e) {
                    throw failure;
                }
            })));
            await(sleep(Duration.ZERO));
        });
        assertThat(reported).hasSize(1);
        assertThat(reported.get(0).message()).containsIgnoringCase("unhandled exception during asyncio.run() shutdown");
        assertThat(reported.get(0).exception()).isSameAs(failure);
        assertThat((Object) reported.get(0).task()).isSameAs(left.get());
    }

    @Test
    @DisplayName("RUN-07 what main threw comes out, though left-over tasks fail too")
    void mainsErrorWins() {
        IOException mains = new IOException("main's");
        assertThatThrownBy(() -> Asyncio.run(() -> {
                    EventLoop.getRunningLoop().setExceptionHandler((loop, what) -> {});
                    createTask(async(() -> {
                        try {
                            await(sleep(Duration.ofHours(1)));
                        } finally {
                            throwing();
                        }
                    }));
                    await(sleep(Duration.ZERO));
                    throw mains;
                }))
                .isSameAs(mains);
    }

    private static void throwing() {
        throw new IllegalStateException("left over");
    }

    @Test
    @DisplayName(
            "RUN-08 a runner makes its loop the thread's current one, once, and takes it back; not with a loop factory")
    void currentLoop() throws Exception {
        List<EventLoop> set = new ArrayList<>();
        EventLoop.setEventLoopPolicy(new DefaultEventLoopPolicy() {
            @Override
            public void setEventLoop(@org.jspecify.annotations.Nullable EventLoop loop) {
                set.add(loop);
                super.setEventLoop(loop);
            }
        });
        try {
            Runner runner = new Runner();
            EventLoop loop = runner.getLoop();
            runner.run(() -> 1);
            runner.run(() -> 2);
            assertThat(EventLoop.getEventLoop()).isSameAs(loop);
            runner.close();
            assertThat(set).containsExactly(loop, null);
            assertThatThrownBy(EventLoop::getEventLoop).isInstanceOf(IllegalStateException.class);
            Runner made = Runner.builder().loopFactory(EventLoop::newEventLoop).build();
            made.run(() -> 1);
            made.close();
            assertThat(set).containsExactly(loop, null);
        } finally {
            EventLoop.setEventLoopPolicy(null);
        }
    }

    @Test
    @DisplayName("RUN-09 the loop factory is called once, and its loop is the running one")
    void loopFactory() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        EventLoop loop = EventLoop.newEventLoop();
        try (Runner runner = Runner.builder()
                .loopFactory(() -> {
                    calls.incrementAndGet();
                    return loop;
                })
                .build()) {
            assertThat(runner.<EventLoop>run(EventLoop::getRunningLoop)).isSameAs(loop);
            runner.run(() -> 2);
        }
        assertThat(calls).hasValue(1);
        assertThat(loop.isClosed()).isTrue();
    }

    @Test
    @DisplayName("RUN-11 several runs on one loop; a closed runner refuses")
    void severalRuns() throws Exception {
        Runner runner = new Runner();
        EventLoop loop = runner.run(EventLoop::getRunningLoop);
        AtomicReference<Task<String>> ticking = new AtomicReference<>();
        runner.run(() -> ticking.set(createTask(sleep(Duration.ofMillis(1), "from the first run"))));
        assertThat(runner.<String>run(ticking.get()))
                .as("tasks live on between runs")
                .isEqualTo("from the first run");
        assertThat(runner.<EventLoop>run(EventLoop::getRunningLoop)).isSameAs(loop);
        runner.close();
        assertThat(loop.isClosed()).isTrue();
        assertThatThrownBy(runner::getLoop)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("Runner is closed");
        assertThatThrownBy(() -> runner.run(() -> 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @DisplayName("RUN-13 closing closes the loop; twice, or without a loop, it does nothing")
    void close() {
        Runner runner = new Runner();
        EventLoop loop = runner.getLoop();
        runner.close();
        runner.close();
        assertThat(loop.isClosed()).isTrue();
        Runner unused = new Runner();
        unused.close();
        assertThatThrownBy(unused::getLoop).hasMessage("Runner is closed");
    }

    @Test
    @DisplayName("RUN-15 all runs see the runner's context, unless they are given another")
    void context() throws Exception {
        try (Runner runner = Runner.builder().context(Context.of("user", "ada")).build()) {
            Mono<String> user = Mono.deferContextual(context -> Mono.just(context.get("user")));
            assertThat(runner.run(user)).isEqualTo("ada");
            assertThat(runner.<Object>run(() -> Asyncio.currentContext().get("user")))
                    .isEqualTo("ada");
            assertThat(runner.run(user, Context.of("user", "bob"))).isEqualTo("bob");
            assertThat(runner.run(user)).isEqualTo("ada");
        }
    }

    @Test
    @DisplayName("RUN-22 the end: tasks are cancelled, then the executor's threads joined, then the loop closed")
    void orderOfTheEnd() throws Exception {
        List<String> order = new ArrayList<>();
        AtomicReference<EventLoop> loop = new AtomicReference<>();
        CountDownLatch mayEnd = new CountDownLatch(1);
        Asyncio.run(() -> {
            loop.set(EventLoop.getRunningLoop());
            Future<Void> started = new Future<>();
            Task<Void> thread = createTask(toThread(() -> {
                started.setResult(null);
                mayEnd.await();
                synchronized (order) {
                    order.add("thread joined, loop closed: " + loop.get().isClosed());
                }
            }));
            createTask(async(() -> {
                try {
                    await(sleep(Duration.ofHours(1)));
                } finally {
                    await(sleep(Duration.ofMillis(1)));
                    synchronized (order) {
                        order.add("task cancelled");
                    }
                    mayEnd.countDown();
                }
            }));
            await(started);
            assertThat(thread.done()).isFalse();
        });
        assertThat(order).containsExactly("task cancelled", "thread joined, loop closed: false");
        assertThat(loop.get().isClosed()).isTrue();
    }

    @Test
    void aThreadThatMustNotBlockIsRefused() throws Exception {
        Mono<Integer> running = Mono.fromCallable(() -> Asyncio.run(() -> 1)).subscribeOn(Schedulers.parallel());
        assertThatThrownBy(running::block)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("must not");
    }

    @Test
    void anErrorThatComesOutOfARunIsNotLoggedAsWell() {
        InternalError fatal = new InternalError("fatal");
        try (LogCapture log = new LogCapture()) {
            assertThatThrownBy(() -> Asyncio.run(() -> {
                        throw fatal;
                    }))
                    .isSameAs(fatal);
            assertThat(log.records()).noneMatch(record -> record.getThrown() == fatal);
        }
    }

    @Test
    @DisplayName("RUN-08 on a virtual thread, too: its loop is current there between runs, and none afterwards")
    void currentLoopOfAVirtualThread() throws Exception {
        assumeTrue(Runtime.version().feature() >= 21);
        CompletableFuture<List<Object>> seen = new CompletableFuture<>();
        BodyThreads.newVirtual(() -> {
                    List<Object> loops = new ArrayList<>();
                    try (Runner runner = new Runner()) {
                        loops.add(runner.run(Mono.fromSupplier(EventLoop::getRunningLoop)));
                        loops.add(EventLoop.getEventLoop());
                    } catch (Throwable e) {
                        seen.completeExceptionally(e);
                    }
                    try {
                        EventLoop.getEventLoop();
                    } catch (IllegalStateException e) {
                        loops.add("none");
                    }
                    seen.complete(loops);
                })
                .start();
        List<Object> loops = seen.get();
        assertThat(loops).hasSize(3).endsWith("none");
        assertThat(loops.get(1)).isSameAs(loops.get(0));
    }
}
