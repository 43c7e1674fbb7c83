package asyncio;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Random;

/**
 * Permutes the steps of the tasks that are ready in a tick; callbacks keep their places, since callSoon and Netty
 * promise their order.
 */
final class StepOrder {
    private final Random random;

    StepOrder(Random random) {
        this.random = random;
    }

    void shuffle(ArrayDeque<Runnable> ready) {
        List<Runnable> steps = new ArrayList<>();
        for (Runnable entry : ready) {
            if (isStep(entry)) {
                steps.add(entry);
            }
        }
        Collections.shuffle(steps, random);
        Iterator<Runnable> shuffled = steps.iterator();
        for (int n = ready.size(); n > 0; n--) {
            Runnable entry = ready.remove();
            ready.add(isStep(entry) ? shuffled.next() : entry);
        }
    }

    private static boolean isStep(Runnable entry) {
        return entry instanceof Wait || entry instanceof TaskStart;
    }
}
