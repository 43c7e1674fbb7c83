package asyncio.queue;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;
import static asyncio.Asyncio.createTask;
import static asyncio.queue.Runs.onLoop;
import static asyncio.queue.Runs.tick;
import static org.assertj.core.api.Assertions.assertThat;

import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Room that appears while putters wait must not go unnoticed, regardless of its cause. */
@Timeout(60)
class HandOverTest {
    @Test
    void aPutterWhoseItemGoesStraightToAGetterLetsTheNextOneIn() throws Exception {
        onLoop(() -> {
            Queue<String> queue = new Queue<>(1);
            queue.putNowait("a");
            Task<Void> b = createTask(queue.put("b"));
            Task<Void> c = createTask(queue.put("c"));
            Task<Void> d = createTask(queue.put("d"));
            tick();
            assertThat(queue.core.state().putters()).isEqualTo(3);
            assertThat(queue.getNowait()).isEqualTo("a"); // b has a slot, and enters in the next tick
            assertThat(await(queue.get())).as("waits before b enters").isEqualTo("b");
            assertThat(await(queue.get(Duration.ofSeconds(1)))).isEqualTo("c");
            assertThat(await(queue.get(Duration.ofSeconds(1)))).isEqualTo("d");
            await(b);
            await(c);
            await(d);
        });
    }

    @Test
    void severalPuttersAndGettersMeet() throws Exception {
        onLoop(() -> {
            Queue<Integer> queue = new Queue<>(2);
            List<Task<Void>> putters = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                putters.add(createTask(queue.put(i)));
            }
            tick();
            assertThat(queue.getNowait()).isZero();
            assertThat(queue.getNowait()).isEqualTo(1);
            List<Task<Integer>> getters = IntStream.range(0, 4)
                    .mapToObj(i -> createTask(async(() -> await(queue.get()))))
                    .toList();
            for (int i = 0; i < 4; i++) {
                assertThat(await(getters.get(i))).isEqualTo(i + 2);
            }
            for (Task<Void> putter : putters) {
                await(putter);
            }
        });
    }
}
