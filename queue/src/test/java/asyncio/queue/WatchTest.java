package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.waitFor;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import asyncio.LoopThread;
import asyncio.Task;
import asyncio.TimedOutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;

/** The latest value, for watchers that need not see every one. */
@Timeout(60)
class WatchTest {
    private final Watch<Integer> watch = new Watch<>(0);

    private static <T> Mono<T> styled(boolean body, Mono<T> mono) {
        return body ? async(() -> await(mono)) : mono;
    }

    private static void ticks() throws Exception {
        for (int i = 0; i < 4; i++) {
            tick();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("changed() waits for the next change, of which an equal value is none")
    void changed(boolean body) throws Exception {
        onLoop(() -> {
            Task<Integer> waiting = createTask(styled(body, watch.changed()));
            ticks();
            assertThat(watch.set(0)).isFalse();
            ticks();
            assertThat(waiting.done()).isFalse();
            assertThat(watch).hasToString("<Watch 0 waiters[1]>");
            assertThat(watch.inners().count()).isEqualTo(1);
            assertThat(watch.set(1)).isTrue();
            assertThat(await(waiting)).isEqualTo(1);
            assertThat(watch.get()).isEqualTo(1);
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("changed(seen) in a loop misses no last value, whatever comes between two turns")
    void versions(boolean body) throws Exception {
        onLoop(() -> {
            Watch.Version<Integer> seen = watch.version();
            watch.set(1);
            watch.set(2);
            seen = await(styled(body, watch.changed(seen)));
            assertThat(seen).isEqualTo(new Watch.Version<>(2, 2));
            Task<Watch.Version<Integer>> next = createTask(styled(body, watch.changed(seen)));
            ticks();
            assertThat(next.done()).isFalse();
            watch.set(3);
            watch.close();
            seen = await(next);
            assertThat(seen.value()).isEqualTo(3);
            assertThat(await(styled(body, watch.changed(seen)))).isNull();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("until() gives the value that is as wanted, at once if it is; what the test throws goes to who waits")
    void until(boolean body) throws Exception {
        onLoop(() -> {
            assertThat(await(styled(body, watch.until(value -> value == 0)))).isZero();
            Task<Integer> even = createTask(styled(body, watch.until(value -> value > 0 && value % 2 == 0)));
            Task<Integer> failing = createTask(styled(body, watch.until(value -> 10 / (1 - value) < 0)));
            ticks();
            watch.set(1);
            assertThatThrownBy(() -> await(failing)).isInstanceOf(ArithmeticException.class);
            ticks();
            assertThat(even.done()).isFalse();
            watch.set(6);
            assertThat(await(even)).isEqualTo(6);
            assertThat(watch.waiters()).isZero();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("who waits ends empty when it is closed; one that is cancelled, or out of time, leaves")
    void ends(boolean body) throws Exception {
        onLoop(() -> {
            Task<Integer> cancelled = createTask(styled(body, watch.changed()));
            Task<Integer> closed = createTask(styled(body, watch.changed()));
            ticks();
            assertThatThrownBy(() -> await(waitFor(watch.changed(), Duration.ofSeconds(1))))
                    .isInstanceOf(TimedOutException.class);
            cancelled.cancel();
            ticks();
            assertThat(watch.waiters()).isEqualTo(1);
            watch.close();
            assertThat(await(closed)).isNull();
            assertThat(watch.isClosed()).isTrue();
            assertThat(watch).hasToString("<Watch 0 closed>");
            assertThatThrownBy(() -> watch.set(1)).isInstanceOf(QueueShutDownException.class);
            assertThat(watch.get()).isZero();
        });
    }

    @Test
    @DisplayName("what update() throws comes out, and nothing has changed")
    void update() {
        assertThat(watch.update(n -> n + 1)).isTrue();
        assertThat(watch.update(n -> n)).isFalse();
        assertThatThrownBy(() -> watch.update(n -> n / (n - n))).isInstanceOf(ArithmeticException.class);
        assertThatThrownBy(() -> watch.update(n -> null)).hasMessageContaining("returned null");
        assertThatThrownBy(() -> watch.set(null)).hasMessage("value");
        assertThat(watch.version()).isEqualTo(new Watch.Version<>(1, 1));
    }

    @Test
    @DisplayName("asFlux: the value, then the latest whenever there is demand, then the end")
    void flux() {
        StepVerifier.create(watch.asFlux(), 1)
                .expectNext(0)
                .then(() -> IntStream.range(1, 5).forEach(watch::set))
                .thenRequest(1)
                .expectNext(4)
                .thenRequest(1)
                .then(() -> watch.set(5))
                .expectNext(5)
                .then(() -> watch.set(6))
                .then(watch::close)
                .thenRequest(1)
                .expectNext(6)
                .verifyComplete();
        StepVerifier.create(watch.asFlux()).expectNext(6).verifyComplete();
        assertThat(watch.waiters()).isZero();
    }

    @Test
    @DisplayName("under threads every watcher comes to see the last value, and none goes back")
    void underThreads() throws Exception {
        List<LoopThread> loops = List.of(new LoopThread(), new LoopThread());
        int last = 40_000;
        try {
            List<CompletableFuture<List<Integer>>> watchers = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                Mono<List<Integer>> all = i % 2 == 0
                        ? watch.asFlux().collectList()
                        : async(() -> {
                            List<Integer> seen = new ArrayList<>();
                            for (Watch.Version<Integer> v = watch.version(); v != null; v = await(watch.changed(v))) {
                                seen.add(v.value());
                            }
                            return seen;
                        });
                watchers.add(loops.get(i % 2).loop.createTask(all).toFuture());
            }
            List<CompletableFuture<Void>> setters = IntStream.range(0, 2)
                    .mapToObj(k -> CompletableFuture.runAsync(() -> {
                        for (int i = 0; i < last / 2; i++) {
                            watch.update(n -> n + 1);
                        }
                    }))
                    .toList();
            for (CompletableFuture<Void> setter : setters) {
                setter.get(30, TimeUnit.SECONDS);
            }
            watch.close();
            for (CompletableFuture<List<Integer>> watcher : watchers) {
                List<Integer> seen = watcher.get(10, TimeUnit.SECONDS);
                assertThat(seen).isSorted().doesNotHaveDuplicates();
                assertThat(seen.get(seen.size() - 1)).isEqualTo(last);
            }
        } finally {
            for (LoopThread loop : loops) {
                loop.close();
            }
        }
    }
}
