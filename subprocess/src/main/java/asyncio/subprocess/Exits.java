package asyncio.subprocess;

import asyncio.Log;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The exits of children, without a thread for each. The JDK reports them on the common pool; but a program may block
 * all threads of that pool, even to wait for a child. So one thread also looks at the living children, ten times a
 * second, as long as there are any. The first of the two removes the child and tells of its exit.
 */
final class Exits {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final Map<ChildProcess, Runnable> WATCHED = new ConcurrentHashMap<>();
    /** Guarded by the class. */
    private static boolean looking;

    private Exits() {}

    /** Calls {@code exited} once, on any thread, when the JDK has reaped a child. */
    static void watch(ChildProcess child, Runnable exited) {
        WATCHED.put(child, exited);
        try {
            beginToLook();
            child.process.onExit().whenComplete((process, error) -> look(child));
        } catch (Throwable e) { // a thread cannot be created
            if (WATCHED.remove(child) != null) {
                throw e;
            } // otherwise the exit has been told
        }
    }

    private static void look(ChildProcess child) {
        if (!child.isAlive()) {
            Runnable exited = WATCHED.remove(child);
            if (exited != null) {
                try {
                    exited.run();
                } catch (Throwable e) { // in code that waits for this child: the exits of others are still told
                    Log.error("Cannot tell of the exit of " + child, e);
                }
            }
        }
    }

    private static synchronized void beginToLook() {
        if (!looking) {
            Workers.EXITS.execute(Exits::lookAtAll);
            looking = true;
        }
    }

    /** Looks until there are no children: one added later finds that, or is found. */
    private static void lookAtAll() {
        do {
            LockSupport.parkNanos(LOOK_NANOS);
            WATCHED.keySet().forEach(Exits::look);
        } while (!endLooking());
    }

    private static synchronized boolean endLooking() {
        looking = !WATCHED.isEmpty();
        return !looking;
    }
}
