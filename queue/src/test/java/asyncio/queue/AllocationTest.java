package asyncio.queue;

import static asyncio.Asyncio.all;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Allocation;
import asyncio.Asyncio;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;

/** The maximum allocation for an item on its way from one task to another: a guard against growth. */
@Timeout(60)
class AllocationTest {
    private static final int N = 50_000;
    private static final Integer ITEM = 42;

    private static double perItem(Queue<Integer> queue) throws Exception {
        return Allocation.bytesPerOperation(
                N,
                () -> Asyncio.run(all(
                        queue.put(ITEM).repeat(N - 1).then(),
                        queue.get().repeat(N - 1).then())));
    }

    @Test
    void withRoomForOne() throws Exception {
        assertThat(perItem(new Queue<>(1))).isLessThan(130);
    }

    @Test
    void withRoomForMany() throws Exception {
        assertThat(perItem(new Queue<>(64))).isLessThan(64);
    }

    @Test
    void asFlux() throws Exception {
        Queue<Integer> queue = new Queue<>(64);
        double bytes = Allocation.bytesPerOperation(
                N,
                () -> Asyncio.run(all(
                        queue.putAll(Flux.range(0, N)), queue.asFlux().take(N).then())));
        assertThat(bytes).isLessThan(32);
    }

    @Test
    void atOnce() throws Exception {
        Queue<Integer> queue = new Queue<>(64);
        double bytes = Allocation.bytesPerOperation(N, () -> {
            for (int i = 0; i < N; i++) {
                queue.putNowait(ITEM);
                queue.getNowait();
            }
            return null;
        });
        assertThat(bytes).isLessThan(1);
    }
}
