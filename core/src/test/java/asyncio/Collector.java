package asyncio;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Makes the garbage collector find something. */
final class Collector {
    private Collector() {}

    /**
     * Collects and lets the detector report until the condition holds; if it never does, the caller's assertion tells.
     */
    static void collectUntil(BooleanSupplier condition) {
        for (int i = 0; i < 200 && !condition.getAsBoolean(); i++) {
            System.gc();
            LockSupport.parkNanos(5_000_000); // the reference handler needs processor time, not a signal
            LeakDetector.report();
        }
    }

    /**
     * Collects all that is unreachable, and returns when its references are enqueued: those of a collection are
     * enqueued in any order, but before those of the next.
     */
    static void collectAll() throws InterruptedException {
        for (int i = 0; i < 2; i++) {
            ReferenceQueue<Object> queue = new ReferenceQueue<>();
            Reference<Object> last = new WeakReference<>(new Object(), queue);
            System.gc();
            if (queue.remove(10_000) != last) {
                throw new AssertionError("System.gc() has collected nothing within 10 seconds");
            }
        }
    }
}
