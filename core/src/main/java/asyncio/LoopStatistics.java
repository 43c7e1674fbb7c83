package asyncio;

/**
 * Counts of a loop at some moment, from {@link EventLoop#statistics}. They are read while the loop runs, so they may
 * not match each other exactly.
 *
 * <pre>{@code
 * System.out.println(loop.statistics());
 * }</pre>
 *
 * @param tasks tasks that have not ended
 * @param ready callbacks, steps and other entries in the ready queue, without those that other threads have sent since
 *     the loop last looked
 * @param timers timers of this library that are not due, without those of Netty's handlers and of Reactor's schedulers
 * @param channels channels that are registered with the loop: connections, servers, pipes, watched ones
 * @param connections connections that are open: those of streams and transports, to other programs and from them
 * @param children child processes that are alive
 * @param ticks ticks so far
 * @param polls ticks so far that looked for IO
 * @param executorActive functions of {@code toThread} and {@code runInExecutor} that are running
 * @param executorQueued functions that were passed to an executor and have not begun
 * @since 0.1
 */
public record LoopStatistics(
        int tasks,
        int ready,
        int timers,
        int channels,
        int connections,
        int children,
        long ticks,
        long polls,
        int executorActive,
        int executorQueued) {}
