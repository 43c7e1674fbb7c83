package asyncio;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.WeakHashMap;

/** The loops of this process, for those who look into it from outside. Holds none of them; from any thread. */
final class OpenLoops {
    private static final Set<EventLoop> LOOPS = Collections.newSetFromMap(new WeakHashMap<>());

    private OpenLoops() {}

    static void add(EventLoop loop) {
        synchronized (LOOPS) {
            LOOPS.add(loop);
        }
    }

    static void remove(EventLoop loop) {
        synchronized (LOOPS) {
            LOOPS.remove(loop);
        }
    }

    /** A copy, in no order that matters. */
    static Set<EventLoop> snapshot() {
        synchronized (LOOPS) {
            return new LinkedHashSet<>(LOOPS);
        }
    }
}
