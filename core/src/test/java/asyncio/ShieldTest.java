package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.shield;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import reactor.util.context.Context;

@Timeout(60)
class ShieldTest {
    private final IOException oops = new IOException("oops");

    @AfterAll
    static void shutdown() {
        assertThat(EventLoop.shutdownShared(Duration.ofSeconds(10))).isTrue();
    }

    private static void ticks(int n) throws Exception {
        for (int i = 0; i < n; i++) {
            await(sleep(Duration.ZERO));
        }
    }

    @Test
    @DisplayName("SHD-01 result and exception pass through")
    void outcomes() throws Exception {
        Asyncio.run(() -> {
            assertThat(await(shield(sleep(Duration.ofMillis(1), 42)))).isEqualTo(42);
            assertThat(await(shield(Mono.<Integer>empty()))).isNull();
            assertThatThrownBy(() -> await(shield(Mono.error(oops)))).isSameAs(oops);
        });
        StepVerifier.create(shield(sleep(Duration.ofMillis(1), 42)))
                .expectNext(42)
                .verifyComplete();
        StepVerifier.create(shield(Mono.empty())).verifyComplete();
        StepVerifier.create(shield(Mono.error(oops))).verifyErrorMatches(e -> e == oops);
    }

    @Test
    @DisplayName("SHD-02 cancelling the inner Future cancels the outer")
    void cancelInner() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> inner = new Future<>();
            Task<Integer> outer = createTask(shield(inner));
            ticks(1);
            inner.cancel("inner");
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("inner");
            assertThat(outer.cancelled()).isTrue();
        });
    }

    @Test
    @DisplayName("SHD-03 cancelling the outer leaves the inner pending, and nothing behind on it")
    void cancelOuter() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> inner = new Future<>();
            Future<Integer> outer = Shield.start(inner, EventLoop.getRunningLoop(), Context.empty());
            assertThat(outer.cancel("outer")).isTrue();
            assertThat(outer.cancelled()).isTrue();
            assertThat(inner.done()).isFalse();
            DoneCallback<Integer> probe = new DoneCallback<>(inner, f -> {}, Context.empty());
            assertThat(inner.addWaiter(probe)).isTrue();
            assertThat(probe.previous).as("whoever waited before").isNull();
            assertThat(inner.removeWaiter(probe)).isTrue();
        });
    }

    @Test
    @DisplayName("SHD-04 the shield of a Future that is done is that Future")
    void shortcut() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> inner = new Future<>();
            inner.setResult(42);
            assertThat(Shield.start(inner, EventLoop.getRunningLoop(), Context.empty()))
                    .isSameAs(inner);
            List<String> order = new ArrayList<>();
            EventLoop.getRunningLoop().callSoon(() -> order.add("next tick"));
            assertThat(await(shield(inner))).isEqualTo(42);
            assertThat(order).isEmpty();
        });
    }

    @Test
    @DisplayName("SHD-05 a task that awaits shield(inner) is cancelled; inner goes on and finishes")
    void effect() throws Exception {
        VirtualTime.run(() -> {
            Task<String> inner = createTask(sleep(Duration.ofSeconds(2), "saved"));
            Task<String> outer = createTask(async(() -> await(shield(inner))));
            await(sleep(Duration.ofSeconds(1)));
            outer.cancel("gone");
            assertThatThrownBy(() -> await(outer))
                    .isInstanceOf(CancelledException.class)
                    .hasMessage("gone");
            assertThat(outer.cancelled()).isTrue();
            assertThat(inner.cancelling()).isZero();
            assertThat(await(inner)).isEqualTo("saved");
        });
    }

    @Test
    @DisplayName("SHD-05 disposing of the subscription to a shield leaves a cold inner running, too")
    void disposing() {
        Future<String> end = new Future<>();
        StepVerifier.create(shield(async(() -> {
                    try {
                        await(sleep(Duration.ofMillis(20)));
                        end.setResult("saved");
                    } finally {
                        end.cancel();
                    }
                })))
                .thenAwait(Duration.ofMillis(1))
                .thenCancel()
                .verify();
        StepVerifier.create(end).expectNext("saved").verifyComplete();
    }

    @Test
    @DisplayName("SHD-06 cancelling shield(gather) leaves the gather running")
    void shieldOfGather() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> a = new Future<>();
            Future<Integer> b = new Future<>();
            Task<List<Integer>> inner = createTask(gather(a, b));
            Task<List<Integer>> outer = createTask(shield(inner));
            ticks(2);
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledException.class);
            assertThat(inner.done()).isFalse();
            a.setResult(1);
            b.setResult(2);
            assertThat(await(inner)).containsExactly(1, 2);
        });
    }

    @Test
    @DisplayName("SHD-07 cancelling gather(shield(a), shield(b)) cancels the shields, not a and b")
    void gatherOfShields() throws Exception {
        Asyncio.run(() -> {
            Future<Integer> a = new Future<>();
            Future<Integer> b = new Future<>();
            Task<List<Integer>> outer = createTask(gather(shield(a), shield(b)));
            ticks(2);
            outer.cancel();
            assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledException.class);
            ticks(5);
            assertThat(Asyncio.allTasks()).containsExactly(Asyncio.currentTask());
            assertThat(a.done()).isFalse();
            assertThat(b.done()).isFalse();
        });
    }

    @Test
    @DisplayName("SHD-08 an error of the inner after the outer was cancelled goes to the exception handler")
    void lateError() throws Exception {
        List<ExceptionContext> reported = Reported.by(() -> {
            cancelTheShieldOf(sleep(Duration.ofMillis(1)).then(Mono.error(oops)));
            await(sleep(Duration.ofMillis(5)));
        });
        assertThat(reported).singleElement().satisfies(context -> {
            assertThat(context.exception()).isSameAs(oops);
            assertThat(context.message()).startsWith("Task exception was never retrieved");
        });
    }

    private static void cancelTheShieldOf(Mono<?> inner) throws Exception {
        Task<?> outer = createTask(shield(inner));
        ticks(2);
        outer.cancel();
        assertThatThrownBy(() -> await(outer)).isInstanceOf(CancelledException.class);
    }

    @Test
    @DisplayName("SHD-08 unless somebody else awaits the inner")
    void lateErrorThatIsHeard() throws Exception {
        List<ExceptionContext> reported = Reported.by(() -> {
            Task<Object> inner = createTask(sleep(Duration.ofMillis(1)).then(Mono.error(oops)));
            cancelTheShieldOf(inner);
            assertThatThrownBy(() -> await(inner)).isSameAs(oops);
        });
        assertThat(reported).isEmpty();
    }

    @Test
    void anErrorThatPassesThroughIsRetrievedOnce() throws Exception {
        assertThat(Reported.by(() -> {
                    Task<Object> inner = createTask(sleep(Duration.ofMillis(1)).then(Mono.error(oops)));
                    assertThatThrownBy(() -> await(shield(inner))).isSameAs(oops);
                }))
                .isEmpty();
    }
}
