package asyncio.management;

import asyncio.EventLoop;

/**
 * An event loop, for JMX, as it was when it was looked at.
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

    /** Its name: {@code asyncio-1}. */
    public String getName() {
        return name;
    }

    /** Whether a thread runs it. */
    public boolean isRunning() {
        return running;
    }

    /** Returns the number of its tasks that are not done. */
    public int getTasks() {
        return tasks;
    }
}
