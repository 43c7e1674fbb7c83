package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.Leftover;
import asyncio.Leftovers;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import io.netty.util.ResourceLeakTracker;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.util.Loggers;

/**
 * A Netty leak detector that finds the unreleased buffers of a test's loop itself, without the garbage collector. It is
 * installed by the first {@link VirtualTimeLoop}; if Netty's buffers may have been used before that, install it with
 * {@code -Dio.netty.customResourceLeakDetector=asyncio.testkit.BufferWatch}.
 *
 * @param <T> the type of the watched resources, mostly buffers
 */
public final class BufferWatch<T> extends ResourceLeakDetector<T> {
    private static final Map<EventLoop, Set<Tracker<?>>> WATCHED = new ConcurrentHashMap<>();
    /** Whether Netty has called one of these detectors. */
    private static volatile boolean asked;

    /** Called by Netty, by reflection. */
    public BufferWatch(Class<?> resourceType, int samplingInterval) {
        super(resourceType, samplingInterval);
    }

    /** Called by Netty, by reflection. */
    public BufferWatch(Class<?> resourceType, int samplingInterval, long maxActive) {
        this(resourceType, samplingInterval);
    }

    /** Installs it in Netty, unless Netty's buffers are in use already; they look for a detector only once. */
    static void install() {
        ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new ResourceLeakDetectorFactory() {
            @Override
            @SuppressWarnings("deprecation") // Netty's only abstract method
            public <R> ResourceLeakDetector<R> newResourceLeakDetector(
                    Class<R> resource, int samplingInterval, long maxActive) {
                return new BufferWatch<>(resource, samplingInterval);
            }
        });
        ByteBufAllocator.DEFAULT.buffer(1).release();
        if (!asked) {
            Loggers.getLogger("asyncio")
                    .warn("Netty's buffers were in use before the first test of the testkit: they are not watched. "
                            + "Start the tests with -Dio.netty.customResourceLeakDetector="
                            + BufferWatch.class.getName());
        }
    }

    static void begin(EventLoop loop) {
        WATCHED.put(loop, ConcurrentHashMap.newKeySet());
    }

    /** Stops watching, and returns the buffers that have not been released. */
    static List<Leftover> end(EventLoop loop) {
        Collection<Tracker<?>> left = WATCHED.remove(loop);
        return left == null
                ? List.of()
                : left.stream()
                        .filter(tracker -> !isConstant(tracker.site))
                        .map(tracker -> new Leftover(
                                Leftover.Kind.BUFFER, tracker.resource.toString(), null, allocation(tracker.site)))
                        .toList();
    }

    /** Returns whether it was allocated for a static field, such as the line ends of HTTP, which is never released. */
    private static boolean isConstant(Throwable site) {
        return Arrays.stream(site.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("<clinit>"));
    }

    /** Returns the frames from the line that called Netty on. */
    private static List<StackTraceElement> allocation(Throwable site) {
        return Arrays.stream(site.getStackTrace())
                .dropWhile(frame -> !frame.getClassName().startsWith("io.netty."))
                .dropWhile(frame -> frame.getClassName().startsWith("io.netty."))
                .toList();
    }

    @Override
    public @Nullable ResourceLeakTracker<T> track(T resource) {
        ResourceLeakTracker<T> tracker = trackForTest(resource);
        return tracker != null ? tracker : super.track(resource);
    }

    @Override
    public @Nullable ResourceLeakTracker<T> trackForcibly(T resource) {
        ResourceLeakTracker<T> tracker = trackForTest(resource);
        return tracker != null ? tracker : super.trackForcibly(resource);
    }

    private @Nullable ResourceLeakTracker<T> trackForTest(T resource) {
        if (!asked) {
            asked = true;
        }
        EventLoop loop = EventLoop.runningOrNull();
        Set<Tracker<?>> watched = loop == null ? null : WATCHED.get(loop);
        Throwable site = watched == null ? null : Leftovers.site();
        if (watched == null || site == null) {
            return null;
        }
        Tracker<T> tracker = new Tracker<>(watched, resource, site);
        watched.add(tracker);
        return tracker;
    }

    private static final class Tracker<T> implements ResourceLeakTracker<T> {
        private final Set<Tracker<?>> watched;
        private final T resource;
        private final Throwable site;

        Tracker(Set<Tracker<?>> watched, T resource, Throwable site) {
            this.watched = watched;
            this.resource = resource;
            this.site = site;
        }

        @Override
        public void record() {}

        @Override
        public void record(Object hint) {}

        @Override
        public boolean close(T trackedObject) {
            return watched.remove(this);
        }
    }
}
