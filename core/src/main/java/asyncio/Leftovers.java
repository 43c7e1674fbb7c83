package asyncio;

import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The things that the program of a loop has left behind so far: for test kits. From any thread. */
public final class Leftovers {
    private Leftovers() {}

    /**
     * The stack of the caller, if the loop that runs on this thread has a {@link LoopMonitor} and is in debug mode;
     * else null. For the authors of things that must be closed: where they are asked for.
     */
    public static @Nullable Throwable site() {
        // the flag first: sources ask whenever something is acquired
        if (!DebugMode.everOn) {
            return null;
        }
        EventLoop loop = EventLoop.runningOrNull();
        // without a monitor: what is remembered by it is not collected, and would not be found by those who wait for
        // that
        return loop != null && loop.monitor != null && loop.getDebug() ? new Origin() : null;
    }

    /**
     * Remembers a resource of the running loop until it is closed; does nothing where no loop runs. For the authors of
     * things that must be closed.
     *
     * @param resource what says in its {@code toString} what it is; held until it is closed
     * @param isOpen whether it is open; asked at any time, on any thread
     * @param site what {@link #site} gave; with null nothing is remembered
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

    /** The permits, connections and so on that were taken on a loop with a monitor, in debug mode, and are open now. */
    public static List<Leftover> open(EventLoop loop) {
        return loop.resources.open().stream()
                .map(open -> new Leftover(open.kind(), Log.text(open.resource()), null, Origin.framesOf(open.origin())))
                .toList();
    }

    /**
     * The coroutines made on a loop that nobody has awaited so far, and the exceptions of its tasks and Futures that
     * nobody has retrieved. They are taken out: nobody else will report them. Outside of debug mode not all coroutines
     * are watched, and no stacks are known.
     */
    public static List<Leftover> takeForgotten(EventLoop loop) {
        return LeakDetector.takeAll(Objects.requireNonNull(loop, "loop").events);
    }
}
