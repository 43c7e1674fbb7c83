package asyncio.management;

import java.util.List;

/**
 * The event loops of a process and their tasks, by JMX: {@code asyncio:type=Loops}.
 *
 * <p>asyncio: what {@code python -m asyncio ps} reads.
 *
 * @since 0.1
 */
public interface LoopsMXBean {
    /** The loops that are not closed, by name. */
    List<LoopInfo> getLoops();

    /**
     * The tasks of all loops that are not done. Takes 30 to 300 microseconds for each body whose stack is read, on the
     * thread that asks.
     *
     * @param stackLines how many lines to give of each body, of the innermost; 0 reads no stack
     * @throws IllegalArgumentException if that is negative
     */
    List<TaskInfo> tasks(int stackLines);

    /** Returns {@link asyncio.EventLoop#dumpTasks} of all loops. */
    String dump();
}
