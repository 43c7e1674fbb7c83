package asyncio.subprocess;

import asyncio.EventLoop;
import asyncio.Log;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.Disposable;

/**
 * All children that have not been seen to exit, and those that have while somebody ends what they have started. None of
 * it outlives its loop, nor the JVM, unless that is killed.
 */
final class LiveChildren {
    /** With the number of reasons: its life, and each who ends it. */
    private static final Map<ChildProcess, Integer> ALL = new ConcurrentHashMap<>();

    private static volatile boolean shutdown;

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(LiveChildren::killAll, "asyncio-subprocess-shutdown"));
        } catch (IllegalStateException e) {
            shutdown = true; // it is under way
        }
    }

    private LiveChildren() {}

    /** In a thread. */
    static void add(ChildProcess child, EventLoop loop) {
        begin(child);
        Disposable withLoop = loop.onClose(() -> endedWithLoop(child, loop));
        child.exit.whenComplete((exited, error) -> {
            over(child);
            withLoop.dispose();
        });
        if (shutdown) {
            child.killTree(); // the hook may have run before
        }
    }

    /** Adds a child that is being ended, until {@link #over}: it may exit before the processes that it has started. */
    static void begin(ChildProcess child) {
        ALL.merge(child, 1, Integer::sum);
    }

    static void over(ChildProcess child) {
        ALL.computeIfPresent(child, (same, reasons) -> reasons == 1 ? null : reasons - 1);
    }

    private static void endedWithLoop(ChildProcess child, EventLoop loop) {
        if (child.isAlive()) {
            Workers.POOL.execute(child::killTree);
            Log.warn(
                    loop + " is closed: " + child + " was running, and is killed. Close a Subprocess when it is done"
                            + " with, best by Subprocess.use",
                    null);
        }
    }

    private static void killAll() {
        shutdown = true;
        for (ChildProcess child : ALL.keySet()) {
            try {
                child.killTree();
            } catch (RuntimeException | Error e) { // the others all the same
                Log.error("Cannot kill " + child + " as the JVM ends", e);
            }
        }
    }
}
