package asyncio;

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
}
