package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** The coroutines that are watched outside of debug mode. */
@Timeout(60)
class LeakSamplesTest {
    @Test
    void theFirst128OfABodyWhicheverLoopsMakeThem() throws Exception {
        LeakDetector.FirstSamples first = new LeakDetector.FirstSamples();
        CyclicBarrier start = new CyclicBarrier(2);
        Callable<Integer> count = () -> {
            start.await();
            int taken = 0;
            for (int i = 0; i < 10_000; i++) {
                taken += first.takes() ? 1 : 0;
            }
            return taken;
        };
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Future<Integer> one = threads.submit(count);
            Future<Integer> other = threads.submit(count);
            assertThat(one.get() + other.get()).isEqualTo(128);
        } finally {
            threads.shutdown();
        }
    }

    @ParameterizedTest(name = "one in 256 of those that a loop makes, also of every {0}th of them")
    @ValueSource(ints = {1, 2, 3, 16, 256})
    void oneIn256(int period) {
        LeakDetector.Sample sample = new LeakDetector.Sample();
        int[] taken = new int[period];
        int made = 1_000_000;
        for (int i = 0; i < period * made; i++) {
            taken[i % period] += sample.takes() ? 1 : 0;
        }
        for (int ofOne : taken) {
            assertThat(ofOne).isBetween(made / 256 * 4 / 5, made / 256 * 6 / 5);
        }
    }

    @Test
    void whatABodyForgetsWhenItHasRunOftenIsStillFound() throws Exception {
        try (LogCapture log = new LogCapture()) {
            Asyncio.run(() -> {
                for (int i = 0; i < 1_000; i++) {
                    await(coroutine());
                }
                for (int i = 0; i < 1_000; i++) {
                    coroutine().hashCode();
                }
            });
            String report = "made at asyncio.LeakSamplesTest.coroutine(";
            Collector.collectUntil(() -> !log.forgotten(report).isEmpty());
            assertThat(log.forgotten(report)).singleElement().asString().contains("was never awaited");
        }
    }

    private static Mono<Integer> coroutine() {
        return async(() -> 1);
    }
}
