package asyncio;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.Asyncio.sleep;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(60)
class VirtualTimeTest {
    @Test
    void timeJumpsToTheNextDeadlineInOrder() throws Exception {
        VirtualTime.run(() -> {
            EventLoop loop = EventLoop.getRunningLoop();
            Duration start = loop.time();
            List<String> order = new ArrayList<>();
            List<Task<Void>> tasks = new ArrayList<>();
            for (int hours : new int[] {3, 1, 2}) {
                tasks.add(createTask(async(() -> {
                    await(sleep(Duration.ofHours(hours)));
                    order.add(hours + "h at " + loop.time().minus(start));
                })));
            }
            for (Task<Void> task : tasks) {
                await(task);
            }
            assertThat(order).containsExactly("1h at PT1H", "2h at PT2H", "3h at PT3H");
            // the same clock for Reactor's operators
            assertThat(await(Mono.delay(Duration.ofHours(5), loop.scheduler()))).isZero();
            assertThat(await(Flux.interval(Duration.ofHours(1), loop.scheduler())
                            .take(3)
                            .count()))
                    .isEqualTo(3);
            assertThat(loop.time().minus(start)).isEqualTo(Duration.ofHours(11));
        });
    }

    @Test
    void aSeedShufflesEachTickReproducibly() throws Exception {
        Set<List<Integer>> orders = new HashSet<>();
        for (long seed = 0; seed < 20; seed++) {
            List<Integer> once = orderWithSeed(seed);
            assertThat(orderWithSeed(seed)).isEqualTo(once);
            assertThat(once).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7);
            orders.add(once);
        }
        assertThat(orders).hasSizeGreaterThan(10);
    }

    private static List<Integer> orderWithSeed(long seed) throws Exception {
        EventLoop loop = EventLoop.builder().seed(seed).build();
        List<Integer> order = new ArrayList<>();
        List<Integer> callbacks = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                int number = i;
                loop.callSoon(() -> callbacks.add(number));
                loop.createTask(async(() -> order.add(number)));
            }
            loop.runUntilComplete(sleep(Duration.ofMillis(1)));
            assertThat(callbacks).as("callSoon keeps its order").isSorted();
        } finally {
            loop.close();
        }
        return order;
    }
}
