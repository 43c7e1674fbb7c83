package asyncio.subprocess;

import asyncio.EventLoop;
import asyncio.Log;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.Disposable;

/**
 * All children that have not been seen to exit, and exited ones while the processes they have started are being ended.
 * No child outlives its loop, or the JVM unless the JVM is killed.
 */
final class LiveChildren {
    /** Each child with its number of reasons to be here: being alive, and each running call that ends it. */
    private static final Map<ChildProcess, Integer> ALL = new ConcurrentHashMap<>();

    private static volatile boolean shutdown;

    static {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(LiveChildren::killAll, "asyncio-subprocess-shutdown"));
        } catch (IllegalStateException e) {
            shutdown = true; // the JVM is already shutting down
        }
    }

    private LiveChildren() {}

    /** Adds a started child. Called on a worker thread. */
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

    /** Keeps a child that is being ended until {@link #over}: it may exit before the processes it has started. */
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
                    loop + " is closed: " + child
                            + " was still running and is killed. Close a Subprocess when done,"
                            + " preferably with Subprocess.use",
                    null);
        }
    }

    private static void killAll() {
        shutdown = true;
        for (ChildProcess child : ALL.keySet()) {
            try {
                child.killTree();
            } catch (RuntimeException | Error e) { // continue with the others
                Log.error("Cannot kill " + child + " as the JVM ends", e);
            }
        }
    }
}
