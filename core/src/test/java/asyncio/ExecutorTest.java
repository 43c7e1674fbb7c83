package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.toThread;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

@Timeout(60)
class ExecutorTest {
    private final EventLoop loop = EventLoop.newEventLoop();
    private final ExecutorService own = Executors.newSingleThreadExecutor(job -> new Thread(job, "own"));

    @AfterEach
    void close() {
        own.shutdownNow();
        loop.close();
    }

    @Test
    @DisplayName(
            "LOOP-34 a function runs on another thread, the default's or a given executor's, and its outcome comes back")
    void runInExecutor() throws Exception {
        assertThat(loop.<String>runUntilComplete(
                        loop.runInExecutor(null, () -> Thread.currentThread().getName())))
                .startsWith(loop.getName() + "-thread-");
        assertThat(loop.<String>runUntilComplete(
                        loop.runInExecutor(own, () -> Thread.currentThread().getName())))
                .isEqualTo("own");
        assertThatThrownBy(() -> loop.runUntilComplete(loop.runInExecutor(own, () -> {
                    throw new java.io.IOException("there");
                })))
                .isInstanceOf(java.io.IOException.class)
                .hasMessage("there");
    }

    @Test
    @DisplayName("THR-05 the function sees the context of the code that calls")
    void context() throws Exception {
        assertThat(loop.<Object>runUntilComplete(async(() -> await(loop.runInExecutor(
                                null, () -> Asyncio.currentContext().get("key"))))
                        .contextWrite(Context.of("key", "value"))))
                .isEqualTo("value");
    }

    @Test
    @DisplayName("LOOP-35 a function that ends after its Future was cancelled and the loop closed calls nothing")
    void lateCompletion() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        EventLoop closing = EventLoop.newEventLoop();
        Future<Integer> future = closing.runInExecutor(own, () -> {
            started.countDown();
            mayEnd.await();
            return 1;
        });
        started.await();
        assertThat(future.cancel()).isTrue();
        closing.runUntilComplete(async(() -> {}));
        try (LogCapture log = new LogCapture()) {
            closing.close();
            mayEnd.countDown();
            own.shutdown();
            assertThat(own.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
            assertThat(future.cancelled()).isTrue();
            assertThat(log.messages()).isEmpty();
        }
    }

    @Test
    void cancellingKeepsAFunctionFromStarting() throws Exception {
        CountDownLatch busy = new CountDownLatch(1);
        AtomicBoolean ran = new AtomicBoolean();
        loop.runUntilComplete(async(() -> {
            Future<Integer> first = loop.runInExecutor(own, () -> {
                busy.await();
                return 1;
            });
            Future<Integer> second = loop.runInExecutor(own, () -> {
                ran.set(true);
                return 2;
            });
            Future<Integer> third = loop.runInExecutor(own, () -> 3);
            second.cancel();
            busy.countDown();
            assertThat(await(first)).isEqualTo(1);
            assertThat(await(third)).isEqualTo(3);
        }));
        assertThat(ran).isFalse();
    }

    @Test
    @DisplayName("LOOP-36 the default executor can be replaced; toThread uses it, the loop's end shuts it down")
    void setDefaultExecutor() throws Exception {
        loop.setDefaultExecutor(own);
        assertThat(loop.<String>runUntilComplete(
                        toThread(() -> Thread.currentThread().getName())))
                .isEqualTo("own");
        assertThatThrownBy(() -> loop.setDefaultExecutor(null)).isInstanceOf(NullPointerException.class);
        loop.close();
        assertThat(own.isShutdown()).isTrue();
    }

    @Test
    @DisplayName("LOOP-37 shutdownDefaultExecutor warns and returns when the threads do not end in time")
    void shutdownTimeout() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        Future<Integer> stuck = loop.runInExecutor(null, () -> {
            never.await();
            return 1;
        });
        try (LogCapture log = new LogCapture()) {
            loop.runUntilComplete(loop.shutdownDefaultExecutor(Duration.ofMillis(5)));
            assertThat(log.messages()).hasSize(1);
            assertThat(log.messages().get(0)).contains("did not finish joining its threads within PT0.005S");
        }
        assertThat(stuck.done()).isFalse();
        never.countDown();
        assertThat(loop.<Integer>runUntilComplete(stuck))
                .as("its outcome still arrives")
                .isEqualTo(1);
    }

    @Test
    @DisplayName("LOOP-38 after shutdownDefaultExecutor the default executor refuses, others do not")
    void afterShutdown() throws Exception {
        AtomicInteger ended = new AtomicInteger();
        Task<Integer> running = loop.createTask(toThread(ended::incrementAndGet));
        loop.runUntilComplete(async(() -> {
            await(running);
            await(loop.shutdownDefaultExecutor());
            assertThatThrownBy(() -> loop.runInExecutor(null, () -> 1))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Executor shutdown has been called");
            assertThatThrownBy(() -> await(toThread(() -> 1)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("Executor shutdown has been called");
            assertThatThrownBy(() -> loop.setDefaultExecutor(own)).isInstanceOf(IllegalStateException.class);
            assertThat(await(loop.runInExecutor(own, () -> 2))).isEqualTo(2);
        }));
        assertThat(ended).hasValue(1);
    }

    @Test
    void shutdownWaitsForWhatRunsWhileTheLoopGoesOn() throws Exception {
        CountDownLatch mayEnd = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        loop.runUntilComplete(async(() -> {
            loop.runInExecutor(null, () -> {
                mayEnd.await();
                ended.set(true);
                return null;
            });
            Task<Void> shutdown = createTask(loop.shutdownDefaultExecutor());
            loop.callLater(Duration.ofMillis(1), mayEnd::countDown);
            await(shutdown);
            assertThat(ended).isTrue();
        }));
    }

    @Test
    @DisplayName(
            "LOOP-10 a closed loop refuses runInExecutor; so does an executor that was shut down, and virtual time goes on")
    void refused() throws Exception {
        EventLoop virtual = VirtualTime.newLoop();
        own.shutdown();
        assertThatThrownBy(() -> virtual.runInExecutor(own, () -> 1)).isInstanceOf(RejectedExecutionException.class);
        virtual.runUntilComplete(Asyncio.sleep(Duration.ofHours(1)));
        virtual.close();
        assertThatThrownBy(() -> virtual.runInExecutor(own, () -> 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }

    @Test
    void virtualTimeWaitsForTheExecutorsThreads() throws Exception {
        VirtualTime.run(() -> {
            EventLoop virtual = EventLoop.getRunningLoop();
            CountDownLatch mayEnd = new CountDownLatch(1);
            Future<Integer> function = virtual.runInExecutor(null, () -> {
                mayEnd.await();
                return 1;
            });
            Task<Void> shutdown = createTask(virtual.shutdownDefaultExecutor());
            Duration before = virtual.time();
            TimerHandle far = virtual.callLater(Duration.ofHours(1), () -> {});
            mayEnd.countDown();
            assertThat(await(function)).isEqualTo(1);
            await(shutdown);
            assertThat(virtual.time()).as("the clock did not jump").isLessThan(before.plusHours(1));
            far.cancel();
        });
    }

    @Test
    void aFunctionRunInTheThreadOfAnotherLeavesThatItsContext() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Mono<Object> function = toThread(() -> {
                loop.runInExecutor(Runnable::run, () -> null);
                return Asyncio.currentContext().get("key");
            });
            assertThat(await(function.contextWrite(Context.of("key", "kept")))).isEqualTo("kept");
        });
    }
}
