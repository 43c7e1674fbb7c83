package asyncio.subprocess;

import asyncio.EventLoop;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.Disposable;
import reactor.util.Logger;
import reactor.util.Loggers;

/** All children that have not been seen to exit. None of them outlives its loop, nor the JVM, unless that is killed. */
final class LiveChildren {
    private static final Logger LOG = Loggers.getLogger("asyncio");
    private static final Set<Child> ALL = ConcurrentHashMap.newKeySet();
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
    static void add(Child child, EventLoop loop) {
        ALL.add(child);
        Disposable withLoop = loop.onClose(() -> endedWithLoop(child, loop));
        child.exit.whenComplete((exited, error) -> {
            ALL.remove(child);
            withLoop.dispose();
        });
        if (shutdown) {
            child.killTree(); // the hook may have run before
        }
    }

    private static void endedWithLoop(Child child, EventLoop loop) {
        if (child.isAlive()) {
            LOG.warn(loop + " is closed: " + child + " was running, and is killed. Close a Subprocess when it is done"
                    + " with, best by Subprocess.use");
            Workers.POOL.execute(child::killTree);
        }
    }

    private static void killAll() {
        shutdown = true;
        for (Child child : ALL) {
            try {
                child.killTree();
            } catch (RuntimeException e) {
                LOG.error("Cannot kill " + child + " as the JVM ends", e); // the others all the same
            }
        }
    }
}
