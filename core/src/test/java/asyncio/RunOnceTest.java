package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.util.concurrent.Ticker;
import java.awt.EventQueue;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A loop that runs tick by tick, inside another one. */
@Timeout(60)
class RunOnceTest {
    private final EventLoop loop = EventLoop.newEventLoop();
    private final List<String> order = new ArrayList<>();

    @AfterEach
    void close() {
        if (!loop.isClosed()) {
            loop.close();
        }
    }

    @Test
    void runsWhatIsReadyAndNothingThatThisSchedules() {
        loop.callSoon(() -> {
            order.add("first");
            loop.callSoon(() -> order.add("third"));
        });
        loop.callSoon(() -> order.add("second"));
        loop.runOnce(true);
        assertThat(order).containsExactly("first", "second");
        loop.runOnce(true);
        assertThat(order).containsExactly("first", "second", "third");
        assertThat(loop.isRunning()).isFalse();
    }

    @Test
    void returnsAtOnceOrWaitsForATimer() {
        loop.runOnce(false);
        long start = System.nanoTime();
        loop.callLater(Duration.ofMillis(50), () -> order.add("timer"));
        loop.runOnce(false);
        assertThat(order).isEmpty();
        while (order.isEmpty()) {
            loop.runOnce(true);
        }
        assertThat(System.nanoTime() - start).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(50));
    }

    @Test
    void aBodyTakesOneStepATick() throws Exception {
        Task<String> task = loop.createTask(async(() -> {
            for (int i = 0; i < 3; i++) {
                order.add("step " + i);
                await(sleep(Duration.ZERO));
            }
            return "done";
        }));
        for (int ticks = 1; !task.done(); ticks++) {
            loop.runOnce(true);
            assertThat(order.size()).isLessThanOrEqualTo(ticks);
        }
        assertThat(order).containsExactly("step 0", "step 1", "step 2");
        assertThat(task.result()).isEqualTo("done");
    }

    @Test
    void ioIsHandledInEachTick() throws Exception {
        Pipe pipe = Pipe.open();
        pipe.source().configureBlocking(false);
        loop.addReader(pipe.source(), () -> {
            order.add("read");
            loop.removeReader(pipe.source());
        });
        pipe.sink().write(ByteBuffer.allocate(1));
        while (order.isEmpty()) {
            loop.runOnce(true);
        }
        pipe.source().close();
        pipe.sink().close();
    }

    @Test
    void stopInATickIsForgottenAndALoopThatRunsOrIsClosedIsRefused() {
        loop.callSoon(loop::stop);
        loop.callSoon(() -> assertThatThrownBy(() -> loop.runOnce(false)).isInstanceOf(IllegalStateException.class));
        loop.runOnce(true);
        loop.callLater(Duration.ofMillis(1), loop::stop);
        loop.runForever(); // waits for the timer
        loop.close();
        assertThatThrownBy(() -> loop.runOnce(false)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void virtualTimeJumpsOnlyInATickThatMayWait() {
        EventLoop virtual = EventLoop.builder().clock(Ticker.newMockTicker()).build();
        virtual.callLater(Duration.ofHours(1), () -> order.add("timer"));
        virtual.runOnce(false);
        assertThat(order).isEmpty();
        virtual.runOnce(true);
        assertThat(order).containsExactly("timer");
        virtual.close();
    }

    /** The queue of AWT, on whose thread the tasks run. */
    @Test
    void insideTheLoopOfAGui() throws Exception {
        System.setProperty("java.awt.headless", "true");
        CompletableFuture<String> result = new CompletableFuture<>();
        EventQueue.invokeLater(() -> {
            Task<String> task = loop.createTask(sleep(Duration.ofMillis(20))
                    .then(reactor.core.publisher.Mono.fromCallable(
                            () -> "on the thread of the GUI: " + EventQueue.isDispatchThread())));
            new Object() {
                void complete() {
                    try {
                        result.complete(task.result());
                    } catch (Exception e) {
                        result.completeExceptionally(e);
                    }
                }

                void tick() {
                    loop.runOnce(false);
                    if (!task.done()) {
                        EventQueue.invokeLater(this::tick); // others have their turn in between
                    } else {
                        complete();
                    }
                }
            }.tick();
        });
        assertThat(result.get(30, TimeUnit.SECONDS)).isEqualTo("on the thread of the GUI: true");
    }
}
