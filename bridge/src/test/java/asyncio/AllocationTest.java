package asyncio;

import static asyncio.Asyncio.gather;
import static asyncio.Asyncio.sleep;
import static asyncio.Asyncio.waitFor;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.bridge.Callbacks;
import asyncio.bridge.Cancellation;
import asyncio.bridge.Futures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Mono;

/** What the common operations allocate at most: a guard against growing, not a figure to quote. */
@Timeout(60)
class AllocationTest {
    private static final int N = 50_000;
    private static final Integer VALUE = 42;

    /** So that the JIT does not find out that nobody looks. */
    private CompletableFuture<Integer> result;

    @Test
    void aTick() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            Asyncio.run(sleep(Duration.ZERO).repeat(N - 1).then());
            return null;
        });
        assertThat(bytes).isLessThan(64);
    }

    @Test
    void aTaskOfAGather() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            List<Mono<Integer>> monos = new ArrayList<>(N);
            for (int i = 0; i < N; i++) {
                monos.add(Mono.fromCallable(() -> VALUE));
            }
            return Asyncio.run(gather(monos)).size();
        });
        assertThat(bytes).isLessThan(260);
    }

    @Test
    void aTimeLimitAroundWhatIsThere() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            Asyncio.run(waitFor(Mono.fromCallable(() -> VALUE), Duration.ofSeconds(1))
                    .repeat(N - 1)
                    .then());
            return null;
        });
        assertThat(bytes).isLessThan(340);
    }

    @Test
    void aCallback() throws Exception {
        AtomicReference<Consumer<Integer>> client = new AtomicReference<>();
        double bytes = Allocation.bytesPerOperation(N, () -> {
            for (int i = 0; i < N; i++) {
                Callbacks.<Integer>mono(callback -> client.set(callback::success))
                        .subscribe();
                client.get().accept(VALUE);
            }
            return null;
        });
        assertThat(bytes).isLessThan(160);
    }

    @Test
    void aCompletableFutureThereAndBack() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            for (int i = 0; i < N; i++) {
                CompletableFuture<Integer> source = new CompletableFuture<>();
                result = Futures.toCompletableFuture(
                        Futures.<Integer>toMono(source, Cancellation.PROPAGATE), Cancellation.PROPAGATE);
                source.complete(VALUE);
            }
            return null;
        });
        assertThat(result).isCompletedWithValue(VALUE);
        assertThat(bytes).isLessThan(280);
    }
}
