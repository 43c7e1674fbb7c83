package asyncio.metrics;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.Leftover;
import asyncio.LoopListener;
import asyncio.LoopStatistics;
import asyncio.Task;
import asyncio.internal.loop.BodyThreads;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;

/** The meters of one loop in one registry, until that loop is closed. Thread-safe. */
final class LoopMeters implements LoopListener {
    private final MeterRegistry registry;
    private final EventLoop loop;
    private final Tags tags;
    private final List<Meter> meters = new ArrayList<>();
    /** Has an entry for each outcome; not modified after construction. */
    private final Map<Outcome, Counter> ended = new EnumMap<>(Outcome.class);

    private final Counter exceptions;
    private final Counter forgotten;
    private final Timer lag;
    private final Timer step;
    private final Disposable.Composite ties = Disposables.composite();

    /** Registers the meters; they do not count events of the loop until {@link #bind}. */
    LoopMeters(MeterRegistry registry, EventLoop loop, Tags tags) {
        this.registry = registry;
        this.loop = loop;
        this.tags = tags;
        gauge("asyncio.loop.tasks", "Tasks that have not ended", LoopStatistics::tasks);
        gauge("asyncio.loop.ready", "Entries of the ready queue", LoopStatistics::ready);
        gauge("asyncio.loop.timers", "Timers that are not due", LoopStatistics::timers);
        gauge("asyncio.loop.channels", "Channels that are registered", LoopStatistics::channels);
        gauge("asyncio.loop.connections", "Connections that are open", LoopStatistics::connections);
        gauge("asyncio.loop.children", "Child processes that are alive", LoopStatistics::children);
        gauge("asyncio.executor.active", "Running blocking functions", LoopStatistics::executorActive);
        gauge("asyncio.executor.queued", "Blocking functions that wait for a thread", LoopStatistics::executorQueued);
        count("asyncio.loop.ticks", "Ticks", LoopStatistics::ticks);
        count("asyncio.loop.polls", "Ticks that looked for IO", LoopStatistics::polls);
        for (Outcome outcome : Outcome.values()) {
            Tags outcomes = tags.and("outcome", outcome.name().toLowerCase(Locale.ROOT));
            ended.put(outcome, counter("asyncio.tasks.ended", "Tasks that have ended", outcomes));
        }
        exceptions = counter("asyncio.exceptions", "Exceptions that were not caught or retrieved", tags);
        forgotten = counter("asyncio.coroutines.forgotten", "Coroutines that were never awaited", tags);
        lag = timer("asyncio.loop.lag", "The time that a callback waits for its turn, probed once a second");
        step = timer("asyncio.loop.step", "Steps that kept the loop for longer than its slow-callback duration");
        bodies();
    }

    private void gauge(String name, String description, ToDoubleFunction<LoopStatistics> value) {
        meters.add(AsyncioMetrics.gauge(
                registry, name, description, tags, loop, it -> value.applyAsDouble(it.statistics())));
    }

    private void count(String name, String description, ToDoubleFunction<LoopStatistics> value) {
        meters.add(FunctionCounter.builder(name, loop, it -> value.applyAsDouble(it.statistics()))
                .description(description)
                .tags(tags)
                .register(registry));
    }

    private Counter counter(String name, String description, Tags tags) {
        Counter counter =
                Counter.builder(name).description(description).tags(tags).register(registry);
        meters.add(counter);
        return counter;
    }

    private Timer timer(String name, String description) {
        Timer timer = Timer.builder(name).description(description).tags(tags).register(registry);
        meters.add(timer);
        return timer;
    }

    /** Registers the meters of all loops together: each loop registers them, and none removes them. */
    private void bodies() {
        if (BodyThreads.VIRTUAL // limited only by memory
                || registry.find("asyncio.bodies.max").gauge() != null) {
            return;
        }
        AsyncioMetrics.gauge(
                registry,
                "asyncio.bodies.threads",
                "Platform threads for bodies, idle ones included",
                Tags.empty(),
                BodyThreads.class,
                type -> BodyThreads.platformThreads());
        AsyncioMetrics.gauge(
                registry,
                "asyncio.bodies.max",
                "The limit of platform threads for bodies, asyncio.bodies.max",
                Tags.empty(),
                BodyThreads.class,
                type -> BodyThreads.maxPlatformThreads());
        FunctionCounter.builder("asyncio.bodies.refused", BodyThreads.class, type -> BodyThreads.refused())
                .description("Bodies that got no thread")
                .register(registry);
    }

    /** Starts to listen, until the loop is closed. */
    void bind() {
        ties.add(loop.addListener(this));
        ties.add(loop.onClose(this::close));
    }

    /** Stops listening, and removes the meters from the registry. */
    void close() {
        ties.dispose();
        meters.forEach(registry::remove);
    }

    // ---- called by the loop

    @Override
    public void taskEnded(Task<?> task, Outcome outcome, @Nullable Throwable exception) {
        Objects.requireNonNull(ended.get(outcome)).increment();
    }

    @Override
    public void exceptionUnhandled(EventLoop loop, ExceptionContext what) {
        exceptions.increment();
    }

    @Override
    public void coroutineForgotten(EventLoop loop, Leftover coroutine) {
        forgotten.increment();
    }

    @Override
    public void stepSlow(EventLoop loop, @Nullable Task<?> task, Duration duration, List<StackTraceElement> stack) {
        step.record(duration);
    }

    @Override
    public void lagged(EventLoop loop, Duration lag) {
        this.lag.record(lag);
    }

    @Override
    public String toString() {
        return "the meters of " + loop.getName();
    }
}
