package asyncio.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

class KeyedTurnsTest {
    private final Map<String, AtomicInteger> running = new ConcurrentHashMap<>();
    private final Map<String, List<Long>> begun = new ConcurrentHashMap<>();

    /** Takes 30 ms, and records when it began; fails if it is called twice at once. */
    private Mono<String> service(String key) {
        return Mono.defer(() -> {
            assertThat(running.computeIfAbsent(key, k -> new AtomicInteger()).incrementAndGet())
                    .isEqualTo(1);
            begun.computeIfAbsent(key, k -> new CopyOnWriteArrayList<>())
                    .add(Schedulers.parallel().now(TimeUnit.MILLISECONDS));
            return Mono.delay(Duration.ofMillis(30))
                    .map(tick -> key)
                    .doFinally(end -> running.get(key).decrementAndGet());
        });
    }

    @Test
    void oneAtATimeForEachKeyAndAPauseBetween() {
        StepVerifier.withVirtualTime(() -> {
                    KeyedTurns<String, String> turns = new KeyedTurns<>(this::service, Duration.ofMillis(100));
                    return Flux.range(0, 12)
                            .flatMap(i -> turns.call("k" + i % 3))
                            .doOnComplete(() -> assertThat(turns.keys()).isZero());
                })
                .thenAwait(Duration.ofMillis(400))
                .expectNextCount(12)
                .verifyComplete();
        assertThat(begun).hasSize(3);
        assertThat(begun.values()).allSatisfy(times -> {
            assertThat(times).hasSize(4);
            for (int i = 1; i < times.size(); i++) {
                assertThat(times.get(i) - times.get(i - 1)).isEqualTo(100);
            }
        });
    }

    @Test
    void aClientThatDisconnectsLeavesItsTurnToTheNext() {
        StepVerifier.withVirtualTime(() -> {
                    KeyedTurns<String, String> turns = new KeyedTurns<>(this::service, Duration.ofMillis(100));
                    Disposable first = turns.call("k").subscribe();
                    Disposable second = turns.call("k").subscribe();
                    Mono<String> third = turns.call("k");
                    return third.doOnSubscribe(s -> {
                                second.dispose();
                                Schedulers.parallel().schedule(first::dispose, 10, TimeUnit.MILLISECONDS);
                            })
                            .doOnTerminate(() -> assertThat(begun.get("k")).hasSize(2));
                })
                .expectSubscription()
                .expectNoEvent(Duration.ofMillis(109))
                .thenAwait(Duration.ofMillis(1))
                .expectNext("k")
                .verifyComplete();
    }
}
