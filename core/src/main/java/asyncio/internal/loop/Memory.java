package asyncio.internal.loop;

import org.jspecify.annotations.Nullable;

/**
 * Marks the places where the loop must allocate while it holds an object that other code waits for: memory may run out
 * for a moment, and the object must not be lost. Tests simulate the lack of memory at each of these places in turn.
 */
public final class Memory {
    /** Throws an OutOfMemoryError in place of the JVM. */
    private static @Nullable Runnable fault;

    private Memory() {}

    /** Sets the action to run at each of the places, for tests; null for none. */
    public static void setFault(@Nullable Runnable fault) {
        Memory.fault = fault;
    }

    /** Called before an allocation. */
    public static void need() {
        Runnable fault = Memory.fault;
        if (fault != null) {
            fault.run();
        }
    }
}
