package asyncio.internal.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TimerQueueTest {
    @Test
    void givesEntriesByDeadlineThenByArrivalWhateverIsRemoved() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            TimerQueue queue = new TimerQueue();
            List<TimerQueue.Entry> model = new ArrayList<>();
            for (int step = 0; step < 300; step++) {
                int choice = random.nextInt(10);
                if (choice < 6 || model.isEmpty()) {
                    TimerQueue.Entry entry = new TimerQueue.Entry(null, random.nextInt(20));
                    queue.add(entry);
                    model.add(entry);
                } else if (choice < 8) {
                    TimerQueue.Entry entry = model.remove(random.nextInt(model.size()));
                    queue.remove(entry);
                    queue.remove(entry); // a second removal is harmless
                } else {
                    TimerQueue.Entry expected = model.stream()
                            .min(Comparator.comparingLong(e -> e.deadlineNanos))
                            .orElseThrow();
                    assertThat(queue.nextDeadline()).as("seed %s", seed).isEqualTo(expected.deadlineNanos);
                    assertThat(queue.poll()).as("seed %s", seed).isSameAs(expected);
                    model.remove(expected);
                }
                assertThat(queue.size()).as("seed %s", seed).isEqualTo(model.size());
            }
            while (!model.isEmpty()) {
                TimerQueue.Entry expected = model.stream()
                        .min(Comparator.comparingLong(e -> e.deadlineNanos))
                        .orElseThrow();
                assertThat(queue.poll()).as("seed %s", seed).isSameAs(expected);
                model.remove(expected);
            }
            assertThat(queue.nextDeadline()).isEqualTo(TimerQueue.NONE);
        }
    }
}
