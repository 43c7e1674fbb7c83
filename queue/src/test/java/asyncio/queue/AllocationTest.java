package asyncio.queue;

import static asyncio.Asyncio.all;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Allocation;
import asyncio.Asyncio;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

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
    void rendezvous() throws Exception {
        assertThat(perItem(Queue.rendezvous())).isLessThan(200);
    }

    @Test
    void rendezvousAsFlux() throws Exception {
        Queue<Integer> queue = Queue.rendezvous();
        double bytes = Allocation.bytesPerOperation(
                N,
                () -> Asyncio.run(all(
                        queue.put(ITEM).repeat(N - 1).then(),
                        queue.asFlux().take(N).then())));
        assertThat(bytes).isLessThan(200);
    }

    @Test
    void broadcast() throws Exception {
        Broadcast<Integer> broadcast = new Broadcast<>();
        try (BroadcastSubscription<Integer> one = broadcast.subscribe(64);
                BroadcastSubscription<Integer> other = broadcast.subscribe(64)) {
            double bytes = Allocation.bytesPerOperation(
                    N,
                    () -> Asyncio.run(all(
                            broadcast.send(ITEM).repeat(N - 1).then(),
                            one.get().repeat(N - 1).then(),
                            other.get().repeat(N - 1).then())));
            assertThat(bytes).isLessThan(110);
        }
    }

    @Test
    void broadcastToFluxes() throws Exception {
        double bytes = Allocation.bytesPerOperation(N, () -> {
            Broadcast<Integer> broadcast = new Broadcast<>();
            Flux<Integer> items =
                    broadcast.asFlux(64, Broadcast.Overflow.SUSPEND).take(N);
            return Asyncio.run(all(
                    items.then(),
                    items.then(),
                    broadcast.send(ITEM).repeat(N - 1).then()));
        });
        assertThat(bytes).isLessThan(90);
    }

    @Test
    void broadcastAtOnce() throws Exception {
        Broadcast<Integer> broadcast = new Broadcast<>();
        try (BroadcastSubscription<Integer> subscription = broadcast.subscribe(64)) {
            double bytes = Allocation.bytesPerOperation(N, () -> {
                for (int i = 0; i < N; i++) {
                    broadcast.trySend(ITEM);
                    subscription.tryGet();
                }
                return null;
            });
            assertThat(bytes).isLessThan(90);
        }
    }

    @Test
    void watch() throws Exception {
        Watch<Integer> watch = new Watch<>(0);
        Integer[] values = {1, 2};
        double bytes = Allocation.bytesPerOperation(
                N,
                () -> Asyncio.run(all(
                        watch.changed().repeat(N - 1).then(),
                        Mono.fromRunnable(() ->
                                        watch.set(values[(int) watch.version().number() & 1]))
                                .then(sleep(Duration.ZERO))
                                .repeat(N - 1)
                                .then())));
        assertThat(bytes).isLessThan(600);
    }

    @Test
    void watchWithoutWaiters() throws Exception {
        Watch<Integer> watch = new Watch<>(0);
        Integer[] values = {1, 2};
        double bytes = Allocation.bytesPerOperation(N, () -> {
            for (int i = 0; i < N; i++) {
                watch.set(values[i & 1]);
            }
            return null;
        });
        assertThat(bytes).isLessThan(70);
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
    void batchesOfMany() throws Exception {
        assertThat(perItemOfBatches(50)).isLessThan(76);
    }

    @Test
    void batchesOfOne() throws Exception {
        assertThat(perItemOfBatches(1)).isLessThan(355);
    }

    private static double perItemOfBatches(int size) throws Exception {
        return Allocation.bytesPerOperation(N, () -> {
            Queue<Integer> queue = new Queue<>(64);
            return Asyncio.run(all(
                    queue.putAll(Flux.range(0, N)).then(Mono.fromRunnable(queue::shutdown)),
                    queue.asBatches(size, Duration.ofHours(1)).then()));
        });
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
