package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.currentTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.nio.NioDatagramChannel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Mono;

@Timeout(60)
class DebugModeTest {
    private final EventLoop loop = EventLoop.newEventLoop();

    @BeforeEach
    void on() {
        loop.setDebug(true);
        loop.setSlowCallbackDuration(Duration.ofDays(1)); // a busy machine must not add to the log
    }

    @AfterEach
    void close() {
        loop.close();
    }

    /** Keeps the loop busy for a little longer than the given time. */
    private static void busyFor(Duration time) {
        for (long start = System.nanoTime(); System.nanoTime() - start <= time.toNanos(); ) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @CsvSource({"1,true", "true,true", "yes,true", "0,false", "false,false", "off,false", "'',false", ",false"})
    void theEnvironmentTurnsItOn(String variable, boolean on) {
        assertThat(DebugMode.isOn(variable)).isEqualTo(on);
    }

    @Test
    @DisplayName("LOOP-22 callSoon, callLater and callAt from another thread throw in debug mode, and only there")
    void wrongThread() throws Exception {
        try (LoopThread thread = new LoopThread(EventLoop.newEventLoop())) {
            EventLoop other = thread.loop;
            CountDownLatch runs = new CountDownLatch(1);
            other.callSoonThreadsafe(runs::countDown);
            runs.await();
            other.setDebug(true);
            assertThatThrownBy(() -> other.callSoon(() -> {}))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Non-thread-safe operation")
                    .hasMessageContaining("callSoonThreadsafe");
            assertThatThrownBy(() -> other.callLater(Duration.ZERO, () -> {}))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> other.callAt(other.time(), () -> {})).isInstanceOf(IllegalStateException.class);
            CountDownLatch ran = new CountDownLatch(4);
            other.callSoonThreadsafe(() -> {
                other.callSoon(ran::countDown);
                other.callLater(Duration.ZERO, ran::countDown);
            });
            other.scheduler().schedule(ran::countDown);
            other.createTask(Mono.fromRunnable(ran::countDown));
            ran.await();
            other.setDebug(false);
            CountDownLatch unchecked = new CountDownLatch(2);
            other.callSoon(unchecked::countDown);
            other.callLater(Duration.ZERO, unchecked::countDown);
            unchecked.await();
        }
    }

    @Test
    void aLoopThatDoesNotRunMayBePreparedByAnyThread() {
        loop.callSoon(loop::stop);
        loop.runForever();
    }

    @Test
    @DisplayName("LOOP-39 a callback that takes long is logged, with where it was scheduled and how long it took")
    void slowCallback() {
        loop.setSlowCallbackDuration(Duration.ofMillis(3));
        loop.callSoon(() -> busyFor(Duration.ofMillis(3)));
        loop.stop();
        try (LogCapture log = new LogCapture()) {
            loop.runForever();
            assertThat(log.messages())
                    .anySatisfy(message -> assertThat(message)
                            .startsWith("Executing <Handle")
                            .contains("created at DebugModeTest.java:")
                            .containsPattern("took 0\\.\\d{3} seconds"));
        }
    }

    @Test
    @DisplayName("LOOP-39 a step of a body that takes long is logged, with the task; waiting does not count")
    void slowStep() throws Exception {
        loop.setSlowCallbackDuration(Duration.ofMillis(30));
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(loop.createTask(
                    async(() -> {
                        await(sleep(Duration.ofMillis(40)));
                        busyFor(Duration.ofMillis(30));
                        await(sleep(Duration.ofMillis(40)));
                    }),
                    "slow"));
            assertThat(log.messages())
                    .filteredOn(message -> message.startsWith("Executing <Task") && message.contains("name='slow'"))
                    .isNotEmpty();
        }
        try (LogCapture log = new LogCapture()) {
            loop.setSlowCallbackDuration(Duration.ofDays(1));
            loop.runUntilComplete(async(() -> busyFor(Duration.ofMillis(30))));
            assertThat(log.messages()).noneMatch(message -> message.startsWith("Executing"));
        }
    }

    @Test
    @DisplayName("LOOP-39 the first step of a Mono's task that takes long is logged, with the task")
    void slowMono() throws Exception {
        loop.setSlowCallbackDuration(Duration.ofMillis(3));
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(loop.createTask(Mono.fromRunnable(() -> busyFor(Duration.ofMillis(3))), "slow mono"));
            assertThat(log.messages())
                    .anyMatch(message -> message.startsWith("Executing <Task") && message.contains("slow mono"));
        }
    }

    @Test
    void slowChannelHandlersAreLogged() throws Exception {
        EventLoop nio = EventLoop.builder().transport("nio").build();
        nio.setDebug(true);
        nio.setSlowCallbackDuration(Duration.ofMillis(3));
        Future<String> received = nio.createFuture();
        try (LogCapture log = new LogCapture()) {
            nio.runUntilComplete(async(() -> {
                var channel = new Bootstrap()
                        .group(nio.netty())
                        .channel(NioDatagramChannel.class)
                        .handler(new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext context, Object message) {
                                busyFor(Duration.ofMillis(3));
                                received.setResult(
                                        ((DatagramPacket) message).content().toString(StandardCharsets.UTF_8));
                                ((DatagramPacket) message).release();
                            }
                        })
                        .bind(new InetSocketAddress("127.0.0.1", 0));
                Future<Void> bound = new Future<>();
                channel.addListener(done -> bound.setResult(null));
                await(bound);
                InetSocketAddress address =
                        (InetSocketAddress) channel.channel().localAddress();
                channel.channel()
                        .writeAndFlush(new DatagramPacket(
                                io.netty.buffer.Unpooled.copiedBuffer("ping", StandardCharsets.UTF_8), address));
                assertThat(await(received)).isEqualTo("ping");
                await(sleep(Duration.ZERO));
            }));
            assertThat(log.messages()).anyMatch(message -> message.startsWith("Handling IO took 0."));
        } finally {
            nio.close();
        }
    }

    @Test
    void aSelectThatComesBackLateIsLogged() throws Exception {
        loop.setSlowCallbackDuration(Duration.ZERO); // every select is late by some nanoseconds
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(sleep(Duration.ofMillis(1)));
            assertThat(log.messages())
                    .anyMatch(message -> message.startsWith("Select returned 0.") && message.contains("seconds late"));
        }
    }

    @Test
    void aNeverAwaitedCoroutineIsReportedWithTheStackThatMadeIt() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(
                    () -> {
                        for (int i = 0; i < 2; i++) {
                            async(() -> "never");
                        }
                        await(sleep(Duration.ZERO));
                    },
                    true);
            Collector.collectUntil(
                    () -> log.forgotten("made at asyncio.DebugModeTest").size() == 2);
            assertThat(log.forgottenRecords("made at asyncio.DebugModeTest"))
                    .as("each of them, not each place once")
                    .hasSize(2)
                    .allSatisfy(record -> {
                        assertThat(record.getThrown()).isInstanceOf(Origin.class);
                        assertThat(record.getThrown().getStackTrace())
                                .anyMatch(frame -> frame.getClassName().startsWith(DebugModeTest.class.getName()));
                    });
        }
    }

    @Test
    @DisplayName("TSK-38 LOOP-26 an exception that nobody retrieved is reported with where its task or Future was made")
    void neverRetrieved() throws Exception {
        List<ExceptionContext> reported = new ArrayList<>();
        Asyncio.run(
                () -> {
                    EventLoop.getRunningLoop().setExceptionHandler((l, what) -> reported.add(what));
                    createTask(async(() -> {
                        throw new java.io.IOException("lost");
                    }));
                    new Future<Void>().setException(new java.io.IOException("lost too"));
                    await(sleep(Duration.ZERO));
                    await(sleep(Duration.ZERO));
                },
                true);
        assertThat(reported).hasSize(2).allSatisfy(what -> {
            assertThat(what.message()).contains("exception was never retrieved");
            assertThat(what.sourceTraceback().get(0).getFileName()).isEqualTo("DebugModeTest.java");
        });
    }

    @Test
    @DisplayName("LOOP-24 in debug mode the context tells where a failing callback was scheduled")
    void failingCallback() {
        AtomicReference<ExceptionContext> reported = new AtomicReference<>();
        loop.setExceptionHandler((l, what) -> reported.set(what));
        loop.callSoon(() -> {
            throw new IllegalStateException("boom");
        });
        loop.stop();
        loop.runForever();
        assertThat(reported.get().sourceTraceback().get(0).getMethodName()).isEqualTo("failingCallback");
        assertThat(reported.get().handle()).isNotNull();
    }

    @Test
    void textsTellWhereThingsWereMade() throws Exception {
        assertThat(loop.toString()).endsWith(" idle debug>");
        assertThat(loop.callSoon(() -> {}).toString()).contains(" created at DebugModeTest.java:");
        assertThat(loop.callLater(Duration.ofHours(1), () -> {}).toString())
                .contains(" created at DebugModeTest.java:");
        assertThat(loop.createFuture().toString()).contains("<Future pending created at DebugModeTest.java:");
        Task<Integer> task = loop.createTask(Mono.just(1));
        assertThat(task.toString()).contains(" created at DebugModeTest.java:");
        loop.runUntilComplete(task);
        loop.setDebug(false);
        assertThat(loop.createFuture().toString()).isEqualTo("<Future pending>");
    }

    @Test
    void aBodyThatCaughtItsCancellationAndReturnedIsWarnedAbout() throws Exception {
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(async(() -> {
                Task<String> stubborn = createTask(
                        async(() -> {
                            try {
                                await(new Future<Void>());
                            } catch (Exception e) {
                                return "went on";
                            }
                            return "";
                        }),
                        "stubborn");
                await(sleep(Duration.ZERO));
                stubborn.cancel();
                assertThat(await(stubborn)).isEqualTo("went on");
            }));
            assertThat(swallowed(log))
                    .singleElement()
                    .asString()
                    .contains("stubborn caught the CancelledException")
                    .contains("DebugModeTest.java:")
                    .contains("returned a result")
                    .contains("rethrow CancelledException");
        }
    }

    /** Returns the warnings about this: on a busy machine there may be others, about slow callbacks. */
    private static List<String> swallowed(LogCapture log) {
        return log.messages().stream()
                .filter(message -> message.contains("caught the CancelledException"))
                .toList();
    }

    @Test
    void aLoopThatCatchesItsCancellationIsWarnedAboutWhenItAwaitsThereAgain() throws Exception {
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(async(() -> {
                int[] rounds = new int[1];
                Task<Void> worker = createTask(
                        async(() -> {
                            while (rounds[0] < 5) {
                                try {
                                    rounds[0]++;
                                    await(sleep(Duration.ofMillis(1)));
                                } catch (Exception e) {
                                    assertThat(e).isInstanceOf(CancelledException.class);
                                }
                            }
                        }),
                        "worker");
                await(sleep(Duration.ZERO));
                worker.cancel();
                await(worker);
            }));
            assertThat(swallowed(log))
                    .as("once, not in each round")
                    .singleElement()
                    .asString()
                    .contains("worker caught")
                    .contains("awaits there again");
        }
    }

    @Test
    void cleanUpAndUncancelAreNotWarnedAbout() throws Exception {
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(async(() -> {
                Task<Void> cleansUp = createTask(async(() -> {
                    try {
                        await(new Future<Void>());
                    } finally {
                        for (int i = 0; i < 3; i++) {
                            await(sleep(Duration.ZERO));
                        }
                    }
                }));
                Task<Integer> takesItBack = createTask(async(() -> {
                    for (; ; ) {
                        try {
                            await(sleep(Duration.ofMillis(1)));
                            return 1;
                        } catch (CancelledException e) {
                            currentTask().uncancel();
                        }
                    }
                }));
                await(sleep(Duration.ZERO));
                cleansUp.cancel();
                takesItBack.cancel();
                assertThat(await(takesItBack)).isEqualTo(1);
                assertThatThrownBy(() -> await(cleansUp)).isInstanceOf(CancelledException.class);
            }));
            assertThat(swallowed(log)).isEmpty();
        }
    }

    @Test
    void anErrorTellsWhereItWasAwaited() throws Exception {
        Future<Void> failed = loop.createFuture();
        failed.setException(new java.io.IOException("far away"));
        assertThatThrownBy(() -> loop.runUntilComplete(loop.createTask(async(() -> await(failed)), "reader")))
                .satisfies(e -> assertThat(e.getSuppressed()[0]).hasMessage("reader awaited it here"));
    }

    @Test
    void anErrorThatIsAwaitedAgainAndAgainDoesNotGrow() throws Exception {
        Future<Void> failed = loop.createFuture();
        failed.setException(new java.io.IOException("far away"));
        java.io.IOException constant = new java.io.IOException("the same each time");
        java.io.IOException others = new java.io.IOException("retrieved before");
        Future<Void> retrieved = loop.createFuture();
        retrieved.setException(others);
        assertThat(retrieved.exception()).isSameAs(others);
        loop.runUntilComplete(async(() -> {
            for (int i = 0; i < 100; i++) {
                assertThatThrownBy(() -> await(failed))
                        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1));
                Future<Void> another = loop.createFuture();
                loop.callSoon(() -> another.setException(constant));
                assertThatThrownBy(() -> await(another)).isSameAs(constant);
                assertThatThrownBy(() -> await(Mono.error(constant))).isSameAs(constant);
                assertThatThrownBy(() -> await(sleep(Duration.ZERO).then(Mono.error(constant))))
                        .isSameAs(constant);
                assertThatThrownBy(() -> await(retrieved)).isSameAs(others);
            }
        }));
        assertThat(constant.getSuppressed()).hasSize(1);
        assertThat(others.getSuppressed()).as("the exception that another has").isEmpty();
    }

    @Test
    void anErrorThatWasThereBeforeTheAwaitIsLeftAlone() throws Exception {
        java.io.IOException constant = new java.io.IOException("made elsewhere");
        java.io.IOException withoutStack = new java.io.IOException("a constant");
        withoutStack.setStackTrace(new StackTraceElement[0]);
        loop.runUntilComplete(async(() -> {
            assertThatThrownBy(() -> await(Mono.error(constant))).isSameAs(constant);
            assertThatThrownBy(() -> await(Mono.defer(() -> Mono.error(constant))))
                    .isSameAs(constant);
            assertThatThrownBy(() -> await(sleep(Duration.ZERO).then(Mono.error(withoutStack))))
                    .isSameAs(withoutStack);
        }));
        assertThat(constant.getSuppressed()).isEmpty();
        assertThat(withoutStack.getSuppressed()).isEmpty();
    }

    @Test
    void aToStringThatFailsWhileItIsLoggedHarmsNobody() throws Exception {
        loop.setSlowCallbackDuration(Duration.ZERO);
        Object unprintable = new Object() {
            @Override
            public String toString() {
                throw new IllegalStateException("unprintable");
            }
        };
        try (LogCapture log = new LogCapture()) {
            assertThat(loop.<Object>runUntilComplete(async(() -> {
                        Future<Object> future = loop.createFuture();
                        loop.callSoon(() -> future.setResult(unprintable));
                        return await(future);
                    })))
                    .isSameAs(unprintable);
            assertThat(log.messages())
                    .anyMatch(message -> message.contains("Executing <Task finished result=asyncio.DebugModeTest")
                            && message.contains("(whose toString failed: java.lang.IllegalStateException)"));
        }
    }

    @Test
    void aGroupThatWaitsForItsTasksIsNoBodyThatRefusesItsCancellation() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Mono<Object> group = TaskGroup.scopeBody(scope -> {
                scope.createTask(async(() -> {
                    try {
                        await(Mono.never());
                    } finally {
                        await(sleep(Duration.ofMillis(5)));
                    }
                }));
                scope.createTask(async(() -> {
                    await(sleep(Duration.ofMillis(1)));
                    throw new IOException("the first error");
                }));
                return "ended before them";
            });
            assertThatThrownBy(() -> loop.runUntilComplete(async(() -> await(group))))
                    .isInstanceOf(ExceptionGroup.class);
            assertThat(swallowed(log)).isEmpty();
        }
    }

    @Test
    void scopesAndTheirTasksWereMadeByTheUsersLines() throws Exception {
        AtomicReference<Task<?>> inner = new AtomicReference<>();
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(async(() -> {
                Task<?> outer = createTask(TaskGroup.scope(scope -> {
                    inner.set(scope.createTask(sleep(Duration.ofMillis(1))));
                    return Mono.empty();
                }));
                await(outer);
                assertThat(List.of(outer.toString(), inner.get().toString()))
                        .allMatch(text -> text.contains("created at DebugModeTest.java"));
                TaskGroup.scope(scope -> Mono.empty());
                asyncio.Timeout.scopeBody(Duration.ofDays(1), scope -> null);
                Asyncio.waitFor(Mono.empty(), Duration.ofDays(1));
            }));
            List<String> forgotten = List.of();
            while (forgotten.size() < 3) {
                System.gc();
                loop.runUntilComplete(sleep(Duration.ofMillis(20)));
                forgotten = log.forgotten("made at asyncio.DebugModeTest");
            }
            assertThat(forgotten).hasSize(3).allMatch(message -> message.contains("was never awaited"));
        }
    }
}
