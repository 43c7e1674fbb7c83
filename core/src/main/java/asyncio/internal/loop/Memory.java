package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * Marks where the loop, while it holds something that others wait for, must allocate: memory may be out for a moment,
 * and what was held must not be lost. Tests take the memory away at each of these places in turn.
 */
public final class Memory {
    /** Throws in place of the JVM. */
    private static @Nullable Runnable fault;

    private Memory() {}

    /** For tests: what to run at each of the places; null for nothing. */
    public static void setFault(@Nullable Runnable fault) {
        Memory.fault = fault;
    }

    /** Something is about to be allocated. */
    public static void need() {
        Runnable fault = Memory.fault;
        if (fault != null) {
            fault.run();
        }
    }
}
