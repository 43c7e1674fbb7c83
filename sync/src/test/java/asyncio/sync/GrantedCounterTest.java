package asyncio.sync;

import static org.assertj.core.api.Assertions.assertThat;

import asyncio.EventLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GrantedCounterTest {
    @Test
    void knowsOnWhichLoopsSomebodyIsAboutToResume() {
        long seed = new Random().nextLong();
        System.out.println("GrantedCounterTest seed " + seed);
        Random random = new Random(seed);
        List<EventLoop> loops = new ArrayList<>();
        try {
            for (int i = 0; i < 3; i++) {
                loops.add(EventLoop.newEventLoop());
            }
            loops.add(null);
            GrantedCounter waking = new GrantedCounter();
            List<EventLoop> expected = new ArrayList<>();
            for (int step = 0; step < 10_000; step++) {
                if (expected.isEmpty() || random.nextInt(10) < (step / 100 % 2 == 0 ? 7 : 3)) {
                    EventLoop loop = loops.get(random.nextInt(loops.size()));
                    waking.add(loop);
                    expected.add(loop);
                } else {
                    waking.remove(expected.remove(random.nextInt(expected.size())));
                }
                assertThat(waking.isEmpty()).isEqualTo(expected.isEmpty());
                for (EventLoop loop : loops) {
                    assertThat(waking.anyOn(loop))
                            .as("seed %d, step %d", seed, step)
                            .isEqualTo(loop != null && expected.contains(loop));
                }
            }
        } finally {
            loops.stream().filter(loop -> loop != null).forEach(EventLoop::close);
        }
    }
}
