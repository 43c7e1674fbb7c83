package asyncio.management;

import asyncio.EventLoop;

/**
 * A snapshot of an event loop, for JMX.
 *
 * @since 0.1
 */
public final class LoopInfo {
    private final String name;
    private final boolean running;
    private final int tasks;

    LoopInfo(EventLoop loop) {
        this.name = loop.getName();
        this.running = loop.isRunning();
        this.tasks = loop.allTasks().size();
    }

    /** Returns the name of the loop, such as {@code asyncio-1}. */
    public String getName() {
        return name;
    }

    /** Returns whether a thread runs the loop. */
    public boolean isRunning() {
        return running;
    }

    /** Returns the number of tasks that are not done. */
    public int getTasks() {
        return tasks;
    }
}
