package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What the program of a loop has left behind so far: for test kits. From any thread. */
public final class Leftovers {
    private static final int FIRST_LOOK = 64;

    /** Of one loop; what is closed is dropped when the list has doubled. */
    static final class Register {
        private List<Resource> resources = new ArrayList<>();
        private int nextLook = FIRST_LOOK;

        synchronized void add(Resource resource) {
            resources.add(resource);
            if (resources.size() >= nextLook) {
                resources = new ArrayList<>(open());
                nextLook = Math.max(FIRST_LOOK, resources.size() * 2);
            }
        }

        synchronized List<Resource> open() {
            return resources.stream().filter(Resource::open).toList();
        }
    }

    private record Resource(Leftover.Kind kind, Object resource, BooleanSupplier isOpen, Origin origin) {
        boolean open() {
            return isOpen.getAsBoolean();
        }
    }

    private Leftovers() {}

    /**
     * The stack of the caller, if the loop that runs on this thread has a {@link LoopMonitor} and is in debug mode;
     * else null. For the authors of things that must be closed: where they are asked for.
     */
    public static @Nullable Throwable site() {
        // the flag first: sources ask whenever something is acquired
        return DebugMode.everOn ? DebugMode.originOnLoop() : null;
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
            loop.resources.add(new Resource(
                    Objects.requireNonNull(kind, "kind"),
                    Objects.requireNonNull(resource, "resource"),
                    Objects.requireNonNull(isOpen, "isOpen"),
                    origin));
        }
    }

    /** The permits, connections and so on that were taken on a loop with a monitor, in debug mode, and are open now. */
    public static List<Leftover> open(EventLoop loop) {
        return loop.resources.open().stream()
                .map(open -> new Leftover(open.kind, Log.text(open.resource), null, Origin.framesOf(open.origin)))
                .toList();
    }

    /**
     * The coroutines made on a loop that nobody has awaited so far, and the exceptions of its tasks and Futures that
     * nobody has retrieved. They are taken out: nobody else will report them. Outside of debug mode not all coroutines
     * are watched, and no stacks are known.
     */
    public static List<Leftover> takeForgotten(EventLoop loop) {
        return LeakDetector.takeAll(Objects.requireNonNull(loop, "loop"));
    }
}
