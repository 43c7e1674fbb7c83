package asyncio.testkit;

import asyncio.EventLoop;
import asyncio.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The events of a test, in their order, with the loop's time and the task: for the order of clean-ups, and for what
 * must have happened together. To be made and used on one loop.
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
     * @param what its name
     * @param at when, since the trail was made
     * @param task in which task; null in a callback
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
     * Empty, from now on.
     *
     * @throws IllegalStateException if no loop runs on this thread
     */
    public Trail() {}

    /** Something has happened. */
    public void mark(String what) {
        Task<?> task = loop.currentTask();
        events.add(new TrailEvent(what, loop.time().minus(start), task == null ? null : task.getName()));
    }

    /** All that has happened. */
    public List<TrailEvent> events() {
        return List.copyOf(events);
    }

    /** Exactly this has happened, in this order. */
    public void expect(String... names) {
        if (!names().equals(List.of(names))) {
            throw failure("exactly " + List.of(names));
        }
    }

    /** Both have happened, and the last time of the one was before the first time of the other. */
    public void expectBefore(String first, String second) {
        int one = names().lastIndexOf(first);
        int other = names().indexOf(second);
        if (one < 0 || other < 0 || one > other) {
            throw failure(first + " before " + second);
        }
    }

    /** It has happened once, when so much time had passed. */
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

    /** The events, a line for each. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("<Trail");
        events.forEach(event -> text.append("\n  ").append(event));
        return text.append(">").toString();
    }
}
