package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.util.concurrent.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** The calls that a loop with virtual time makes when it has nothing to do. */
@Timeout(60)
class LoopMonitorTest {
    /** Records its calls; stops an idle loop without a timer. */
    private static final class Recorder implements LoopMonitor {
        final List<String> asked = new CopyOnWriteArrayList<>();
        final List<Leftover> forgotten = new CopyOnWriteArrayList<>();
        Duration quiet = Duration.ZERO;

        @Override
        public Duration quietTime(boolean timers, boolean outside) {
            asked.add((timers ? "timers" : "none") + (outside ? " outside" : ""));
            return quiet;
        }

        @Override
        public void idle(EventLoop loop, @Nullable Duration nextTimer) {
            asked.add("idle until " + nextTimer);
            if (nextTimer == null) {
                loop.stop();
            }
        }

        @Override
        public void forgotten(EventLoop loop, Leftover coroutine) {
            forgotten.add(coroutine);
        }
    }

    private final Recorder monitor = new Recorder();

    private EventLoop newLoop() {
        return EventLoop.builder()
                .clock(Ticker.newMockTicker())
                .monitor(monitor)
                .build();
    }

    private void run(Body body) {
        EventLoop loop = newLoop();
        try {
            loop.createTask(async(body));
            loop.runForever();
        } finally {
            loop.setExceptionHandler((l, what) -> {}); // for tasks that the test leaves pending
            loop.close();
        }
    }

    @Test
    void itIsAskedBeforeEachJumpAndWhenNoTimerIsLeft() {
        run(() -> {
            await(sleep(Duration.ofSeconds(1)));
            await(sleep(Duration.ofSeconds(2)));
        });
        assertThat(monitor.asked)
                .containsExactly("timers", "idle until PT1S", "timers", "idle until PT3S", "none", "idle until null");
    }

    @Test
    void whatItThrowsEndsTheRun() {
        EventLoop loop = EventLoop.builder()
                .clock(Ticker.newMockTicker())
                .monitor(new LoopMonitor() {
                    @Override
                    public Duration quietTime(boolean timers, boolean outside) {
                        return Duration.ZERO;
                    }

                    @Override
                    public void idle(EventLoop loop, @Nullable Duration nextTimer) {
                        throw new AssertionError("stuck");
                    }

                    @Override
                    public void forgotten(EventLoop loop, Leftover coroutine) {}
                })
                .build();
        Task<Void> task = loop.createTask(async(() -> await(new Future<Void>())));
        assertThatThrownBy(() -> loop.runUntilComplete(task))
                .isInstanceOf(AssertionError.class)
                .hasMessage("stuck");
        assertThat(loop.isRunning()).isFalse();
        task.cancel();
        assertThatThrownBy(() -> loop.runUntilComplete(task)).isInstanceOf(CancelledException.class);
        loop.close();
    }

    @Test
    void monosOfOthersAreFromOutside() {
        run(() -> await(new Future<Void>()));
        run(() -> await(Mono.never()));
        run(() -> await(Asyncio.wrapFuture(new CompletableFuture<Void>())));
        run(() -> await(Mono.fromFuture(new CompletableFuture<Void>())));
        assertThat(monitor.asked.stream().filter(asked -> asked.startsWith("none")))
                .containsExactly("none", "none outside", "none outside", "none outside");
    }

    @Test
    void aQuietTimeIsWaitedFor() {
        monitor.quiet = Duration.ofMillis(20);
        long start = System.nanoTime();
        run(() -> await(sleep(Duration.ofHours(1))));
        assertThat(System.nanoTime() - start)
                .as("two of them, one before the jump and one at the end")
                .isGreaterThanOrEqualTo(Duration.ofMillis(40).toNanos());
    }

    @Test
    void whoHoldsTheTimeKeepsItFromJumping() throws Exception {
        EventLoop loop = newLoop();
        var hold = loop.holdTime();
        Thread thread = new Thread(() -> loop.callSoonThreadsafe(() -> {
            assertThat(monitor.asked).isEmpty();
            hold.dispose();
        }));
        Task<Void> sleeper = loop.createTask(sleep(Duration.ofHours(1)));
        loop.callSoon(thread::start);
        loop.runUntilComplete(sleeper);
        assertThat(monitor.asked).contains("idle until " + loop.time());
        thread.join();
        loop.close();
    }

    @Test
    void forgottenCoroutinesAreItsAffair() throws Exception {
        run(() -> forget());
        Collector.collectUntil(() -> !monitor.forgotten.isEmpty());
        assertThat(monitor.forgotten).singleElement().satisfies(leftover -> {
            assertThat(leftover.kind()).isEqualTo(Leftover.Kind.COROUTINE);
            assertThat(leftover.description()).startsWith("sleep(...) made at asyncio.LoopMonitorTest.forget(");
        });
    }

    private static void forget() {
        sleep(Duration.ofHours(1)).hashCode();
    }

    @Test
    void leftoversAreTakenOutOnce() {
        EventLoop loop = newLoop();
        loop.setDebug(true);
        List<Mono<?>> kept = new ArrayList<>();
        boolean[] open = {true};
        loop.callSoon(() -> {
            kept.add(sleep(Duration.ofHours(1)));
            kept.add(createTask(Mono.error(new IllegalStateException("planted"))));
            Leftovers.watch(Leftover.Kind.CONNECTION, "a door", () -> open[0], Leftovers.site());
        });
        loop.runForever();
        assertThat(Leftovers.takeForgotten(loop))
                .extracting(Leftover::kind)
                .containsExactlyInAnyOrder(Leftover.Kind.COROUTINE, Leftover.Kind.EXCEPTION);
        assertThat(Leftovers.takeForgotten(loop)).isEmpty();
        assertThat(Leftovers.open(loop)).singleElement().satisfies(door -> {
            assertThat(door.description()).isEqualTo("a door");
            assertThat(door.createdAt().get(0).getFileName()).isEqualTo("LoopMonitorTest.java");
        });
        open[0] = false;
        assertThat(Leftovers.open(loop)).isEmpty();
        assertThat(Leftovers.site()).as("off every loop").isNull();
        loop.close();
    }
}
