package asyncio.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Allocation;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The maximum allocation of the bridges: a guard against growth, not a figure to quote. */
@Timeout(60)
class AllocationTest {
    private static final int N = 50_000;
    private static final Integer VALUE = 42;

    /** Keeps the JIT from removing the result. */
    private CompletableFuture<Integer> result;

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
