package asyncio.management;

import java.util.List;

/**
 * The event loops of a process and their tasks, over JMX: {@code asyncio:type=Loops}.
 *
 * <p>asyncio: the data of {@code python -m asyncio ps}.
 *
 * @since 0.1
 */
public interface LoopsMXBean {
    /** Returns the loops that are not closed, ordered by name. */
    List<LoopInfo> getLoops();

    /**
     * Returns the unfinished tasks of all loops. Takes 30 to 300 microseconds for each stack of a body that is read, on
     * the calling thread.
     *
     * @param stackLines the maximum number of innermost lines for each body; 0 reads no stack
     * @throws IllegalArgumentException if that is negative
     */
    List<TaskInfo> tasks(int stackLines);

    /** Returns {@link asyncio.EventLoop#dumpTasks} of all loops. */
    String dump();
}
