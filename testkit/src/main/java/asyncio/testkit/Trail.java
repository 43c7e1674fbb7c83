package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Records the events of a test in order, with the loop's time and the task: to check the order of clean-ups, and that
 * events happened at the same time. Create and use it on one loop.
 *
 * <pre>{@code
 * Trail trail = new Trail();
 * Task<Void> task = createTask(async(() -> {
 *     try (connection) {
 *         await(serve(connection));
 *     } finally {
 *         trail.mark("flushed");
 *     }
 * }));
 * task.cancel();
 * await(task.onErrorComplete());
 * trail.mark("cancelled");
 * trail.expect("flushed", "cancelled");
 * }</pre>
 */
public final class Trail {
    /**
     * One event.
     *
     * @param what the name of the event
     * @param at the time since the trail was created
     * @param task the name of the task; null in a callback
     */
    public record TrailEvent(
            String what, Duration at, @Nullable String task) {
        /** {@code flushed at PT0.05S in Task-2}. */
        @Override
        public String toString() {
            return what + " at " + at + (task == null ? "" : " in " + task);
        }
    }

    private final EventLoop loop = EventLoop.getRunningLoop();
    private final Duration start = loop.time();
    private final List<TrailEvent> events = new ArrayList<>();

    /**
     * Creates an empty trail, with times from now on.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public Trail() {}

    /** Records an event. */
    public void mark(String what) {
        Task<?> task = loop.currentTask();
        events.add(new TrailEvent(what, loop.time().minus(start), task == null ? null : task.getName()));
    }

    /** Returns all events so far. */
    public List<TrailEvent> events() {
        return List.copyOf(events);
    }

    /** Asserts that exactly these events have happened, in this order. */
    public void expect(String... names) {
        if (!names().equals(List.of(names))) {
            throw failure("exactly " + List.of(names));
        }
    }

    /** Asserts that both events have happened, the last {@code first} before the first {@code second}. */
    public void expectBefore(String first, String second) {
        int one = names().lastIndexOf(first);
        int other = names().indexOf(second);
        if (one < 0 || other < 0 || one > other) {
            throw failure(first + " before " + second);
        }
    }

    /** Asserts that the event has happened exactly once, at that time. */
    public void expectAt(Duration time, String name) {
        List<TrailEvent> found =
                events.stream().filter(event -> event.what.equals(name)).toList();
        if (found.size() != 1 || !found.get(0).at.equals(time)) {
            throw failure(name + " once, at " + time);
        }
    }

    private List<String> names() {
        return events.stream().map(TrailEvent::what).toList();
    }

    private AssertionError failure(String expected) {
        return new AssertionError("expected " + expected + ", but there was " + this + "\n" + loop.dumpTasks());
    }

    /** Shows the events, one per line. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("<Trail");
        events.forEach(event -> text.append("\n  ").append(event));
        return text.append(">").toString();
    }
}
