package asyncio;

import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The resources, coroutines and exceptions that the program of a loop has left behind so far; for test kits.
 * Thread-safe.
 */
public final class Leftovers {
    private Leftovers() {}

    /**
     * Returns the stack of the caller if the loop that runs on this thread has a {@link LoopMonitor} and is in debug
     * mode; else null. For authors of resources that must be closed, to call where a resource is requested.
     */
    public static @Nullable Throwable site() {
        // the flag first: sources call this for each acquisition
        if (!DebugMode.everOn) {
            return null;
        }
        EventLoop loop = EventLoop.runningOrNull();
        // none without a monitor: a remembered resource is not collected, and leak detection by collection would miss
        // it
        return loop != null && loop.monitor != null && loop.getDebug() ? new Origin() : null;
    }

    /**
     * Remembers a resource of the running loop until it is closed; does nothing where no loop runs. For authors of
     * resources that must be closed.
     *
     * @param resource the resource, described by its {@code toString}; held until it is closed
     * @param isOpen tells whether it is open; called at any time, on any thread
     * @param site the result of {@link #site}; with null nothing is remembered
     */
    public static void watch(Leftover.Kind kind, Object resource, BooleanSupplier isOpen, @Nullable Throwable site) {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop != null && site instanceof Origin origin) {
            loop.resources.add(new Resources.Resource(
                    Objects.requireNonNull(kind, "kind"),
                    Objects.requireNonNull(resource, "resource"),
                    Objects.requireNonNull(isOpen, "isOpen"),
                    origin));
        }
    }

    /**
     * Returns the permits, connections and so on that were acquired on a loop with a monitor, in debug mode, and are
     * still open.
     */
    public static List<Leftover> open(EventLoop loop) {
        return loop.resources.open().stream()
                .map(open -> new Leftover(open.kind(), Log.text(open.resource()), null, Origin.framesOf(open.origin())))
                .toList();
    }

    /**
     * Removes and returns the coroutines made on a loop that have not been awaited, and the exceptions of its tasks and
     * Futures that have not been retrieved. They are not reported elsewhere any more. Outside of debug mode not all
     * coroutines are watched, and no stacks are known.
     */
    public static List<Leftover> takeForgotten(EventLoop loop) {
        return LeakDetector.takeAll(Objects.requireNonNull(loop, "loop").events);
    }
}
