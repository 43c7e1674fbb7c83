package asyncio.metrics;

import asyncio.EventLoop;
import asyncio.LoopStatistics;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import reactor.core.Scannable;

/**
 * The meters of one loop, for Micrometer. Each has the tag {@code loop}, the name of the loop.
 *
 * <p>Gauges: {@code asyncio.loop.tasks}, {@code .ready}, {@code .timers}, {@code .channels}, {@code .connections},
 * {@code .children} (as in {@link LoopStatistics}), {@code asyncio.executor.active}, {@code .queued}. Counters:
 * {@code asyncio.loop.ticks}, {@code .polls}, {@code asyncio.tasks.ended} with the tag {@code outcome} ({@code result},
 * {@code exception}, {@code cancelled}), {@code asyncio.exceptions} (unhandled ones),
 * {@code asyncio.coroutines.forgotten}. Timers: {@code asyncio.loop.lag}, of one probe a second, and
 * {@code asyncio.loop.step}, of slow steps. For the whole process, without the tag, where bodies run on platform
 * threads: {@code asyncio.bodies.threads}, {@code .max}, {@code .refused}.
 *
 * <p>Gauges are read when the registry is scraped. The timers add no clock reading to the loop's steps; each task
 * increments one counter. When the loop is closed, its meters are removed from the registry.
 *
 * <p><b>Threading.</b> From any thread. The dependency {@code io.micrometer:micrometer-core} must be present; the
 * library does not bring it.
 *
 * <pre>{@code
 * MeterRegistry registry = new SimpleMeterRegistry();
 * for (EventLoop shared : EventLoop.shared()) {
 *     AsyncioMetrics.bindTo(registry, shared);
 * }
 * AsyncioMetrics.bindTo(registry, "orders", orders);
 * }</pre>
 *
 * <p>asyncio: none.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // "requires transitive" would burden every module that compiles against this one
public final class AsyncioMetrics implements MeterBinder, AutoCloseable {
    private final EventLoop loop;
    private final Tags tags;
    /** Guarded by this. */
    private final List<LoopMeters> bound = new ArrayList<>();

    /** Makes a binder of a loop's meters; {@link #bindTo(MeterRegistry)} binds them. */
    public AsyncioMetrics(EventLoop loop) {
        this(loop, List.of());
    }

    /** Like {@link #AsyncioMetrics(EventLoop)}, with more tags for each meter. */
    public AsyncioMetrics(EventLoop loop, Iterable<Tag> tags) {
        this.loop = Objects.requireNonNull(loop, "loop");
        this.tags = Tags.of(tags).and("loop", loop.getName());
    }

    /**
     * Registers the meters of a loop.
     *
     * @return removes the meters when closed
     */
    public static AsyncioMetrics bindTo(MeterRegistry registry, EventLoop loop) {
        AsyncioMetrics metrics = new AsyncioMetrics(loop);
        metrics.bindTo(registry);
        return metrics;
    }

    /**
     * Registers the gauges of a lock, a queue or another source that tasks wait for: {@code asyncio.waiters}, and for a
     * queue {@code asyncio.queue.size}, with the tag {@code name}. The registry does not hold the source: once it is
     * garbage-collected, the gauges are NaN.
     *
     * @param name the name of the source in the registry
     */
    public static void bindTo(MeterRegistry registry, String name, Scannable primitive) {
        Tags tags = Tags.of("name", Objects.requireNonNull(name, "name"));
        gauge(
                registry,
                "asyncio.waiters",
                "Suspended acquirers, getters and putters",
                tags,
                primitive,
                it -> it.inners().count());
        if (primitive.scanUnsafe(Scannable.Attr.CAPACITY) != null) {
            gauge(
                    registry,
                    "asyncio.queue.size",
                    "Items in the queue",
                    tags,
                    primitive,
                    it -> it.scanOrDefault(Scannable.Attr.BUFFERED, 0));
        }
    }

    static <T> Gauge gauge(
            MeterRegistry registry, String name, String description, Tags tags, T source, ToDoubleFunction<T> value) {
        return Gauge.builder(name, source, value)
                .description(description)
                .tags(tags)
                .register(registry);
    }

    /**
     * Registers the meters with one more registry; does nothing if the loop is closed.
     *
     * @param registry the registry; the loop's listener holds it until {@link #close} or the close of the loop
     */
    @Override
    public void bindTo(MeterRegistry registry) {
        LoopMeters meters = new LoopMeters(Objects.requireNonNull(registry, "registry"), loop, tags);
        synchronized (this) {
            bound.add(meters);
        }
        meters.bind();
    }

    /** Removes the meters from all registries. A second call does nothing. */
    @Override
    public void close() {
        List<LoopMeters> all;
        synchronized (this) {
            all = List.copyOf(bound);
            bound.clear();
        }
        all.forEach(LoopMeters::close);
    }
}
