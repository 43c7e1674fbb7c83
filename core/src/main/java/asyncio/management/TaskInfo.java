package asyncio.management;

import asyncio.FrameCallGraphEntry;
import asyncio.Log;
import asyncio.Task;
import java.util.List;

/**
 * A snapshot of a task that is not done, for JMX.
 *
 * @since 0.1
 */
public final class TaskInfo {
    private final String loop;
    private final long id;
    private final String name;
    private final String state;
    private final String waitsFor;
    private final List<String> stack;
    private final List<Long> awaiters;

    TaskInfo(String loop, Task<?> task, int stackLines) {
        this.loop = loop;
        this.id = task.getId();
        this.name = task.getName();
        Object awaited = task.awaits();
        this.state = task.cancelling() > 0 ? "cancelling" : awaited == null ? "ready" : "waiting";
        // only the name of a task: they may await each other in a circle
        this.waitsFor = awaited == null ? "" : awaited instanceof Task<?> other ? other.getName() : Log.text(awaited);
        this.stack = task.getStack(stackLines).stream()
                .map(frame -> new FrameCallGraphEntry(frame).toString())
                .toList();
        this.awaiters = task.awaitedBy().stream().map(Task::getId).toList();
    }

    /** Returns the name of the task's loop. */
    public String getLoop() {
        return loop;
    }

    /** Returns the task's {@link Task#getId id}. */
    public long getId() {
        return id;
    }

    /** Returns the task's name. */
    public String getName() {
        return name;
    }

    /** Returns {@code waiting}, {@code ready} (or running), or {@code cancelling}. */
    public String getState() {
        return state;
    }

    /** Returns the source that the task waits for, as text; empty if there is none. */
    public String getWaitsFor() {
        return waitsFor;
    }

    /** Returns the lines of the body's stack, the innermost first; empty if there is no body. */
    public List<String> getStack() {
        return stack;
    }

    /** Returns the ids of the tasks that wait for this one. */
    public List<Long> getAwaiters() {
        return awaiters;
    }
}
