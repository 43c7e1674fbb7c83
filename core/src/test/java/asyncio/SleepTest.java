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
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.test.StepVerifier;

class SleepTest {
    @Test
    @DisplayName("SLP-01 sleep completes after its delay with its result")
    void sleepWithResult() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            assertThat(await(sleep(Duration.ofHours(10), "result"))).isEqualTo("result");
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofHours(10));
            assertThat(await(sleep(Duration.ofMillis(1)))).isNull();
        });
    }

    @Test
    @DisplayName("SLP-02 sleep(0) takes exactly one tick")
    void sleepZero() throws Exception {
        Asyncio.run(() -> {
            for (Duration delay : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
                List<String> order = new ArrayList<>();
                EventLoop loop = EventLoop.getRunningLoop();
                loop.callSoon(() -> {
                    order.add("before");
                    loop.callSoon(() -> order.add("next tick"));
                });
                assertThat(await(sleep(delay, 10))).isEqualTo(10);
                assertThat(order).containsExactly("before");
            }
        });
    }

    @Test
    @DisplayName("SLP-04 cancelling a sleeping task drops its timer")
    void cancelDropsTheTimer() throws Exception {
        Asyncio.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Task<Void> body = createTask(async(() -> {
                await(sleep(Duration.ofHours(1)));
            }));
            Task<Void> mono = createTask(sleep(Duration.ofHours(1)));
            Disposable subscriber = sleep(Duration.ofHours(1)).subscribe();
            await(sleep(Duration.ZERO));
            assertThat(loop.core.timerCount()).isEqualTo(3);
            body.cancel();
            mono.cancel();
            subscriber.dispose();
            assertThat(loop.core.timerCount()).isZero();
        });
    }

    @Test
    void sleepsOnASharedLoopWhereNoneRuns() {
        StepVerifier.create(sleep(Duration.ofMillis(1), "x")).expectNext("x").verifyComplete();
        StepVerifier.create(sleep(Duration.ZERO)).verifyComplete();
        StepVerifier.create(sleep(Duration.ofHours(1)))
                .expectSubscription()
                .thenCancel()
                .verify();
    }

    @Test
    @DisplayName("SLP-05 SLP-06 runThreadsafe brings result and exception to the thread")
    void runThreadsafe() throws Exception {
        try (LoopThread loop = new LoopThread()) {
            assertThat(Asyncio.runThreadsafe(
                                    async(() -> {
                                        await(sleep(Duration.ofMillis(1)));
                                        return 3;
                                    }),
                                    loop.loop)
                            .get())
                    .isEqualTo(3);
            assertThatThrownBy(() -> Asyncio.runThreadsafe(
                                    async(() -> {
                                        throw new IOException("Fail!");
                                    }),
                                    loop.loop)
                            .get())
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOf(IOException.class)
                    .hasMessage("Fail!");
        }
    }

    @Test
    @DisplayName("SLP-07 a thread that gives up after a timeout and cancels cancels the task: none is left")
    void runThreadsafeCancel() throws Exception {
        try (LoopThread loop = new LoopThread()) {
            CountDownLatch cleaned = new CountDownLatch(1);
            CompletableFuture<Void> future = Asyncio.runThreadsafe(
                    async(() -> {
                        try {
                            await(sleep(Duration.ofHours(1)));
                        } finally {
                            cleaned.countDown();
                        }
                    }),
                    loop.loop);
            assertThatThrownBy(() -> future.get(0, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
            // the body is in its sleep after two ticks
            Asyncio.runThreadsafe(sleep(Duration.ZERO), loop.loop).get();
            assertThat(future.cancel(true)).isTrue();
            cleaned.await();
            Asyncio.runThreadsafe(sleep(Duration.ZERO), loop.loop).get();
            assertThat(Asyncio.runThreadsafe(async(() -> Asyncio.allTasks().size()), loop.loop)
                            .get())
                    .isEqualTo(1);
        }
    }

    @Test
    @DisplayName("SLP-08 a task that cancels itself cancels the thread's future")
    void runThreadsafeTaskCancelled() throws Exception {
        try (LoopThread loop = new LoopThread()) {
            CompletableFuture<Void> future = Asyncio.runThreadsafe(
                    async(() -> {
                        Asyncio.currentTask().cancel();
                        await(sleep(Duration.ofHours(1)));
                    }),
                    loop.loop);
            assertThatThrownBy(future::get).isInstanceOf(CancellationException.class);
            assertThat(future.isCancelled()).isTrue();
        }
    }

    @Test
    void runThreadsafeOnAClosedLoopThrows() {
        EventLoop loop = EventLoop.newEventLoop();
        loop.close();
        assertThatThrownBy(() -> Asyncio.runThreadsafe(sleep(Duration.ZERO), loop))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
    }
}
