package asyncio;

/**
 * Numbers about a loop at some moment, from {@link EventLoop#statistics}. They are read while the loop runs, so that
 * they may not fit each other exactly.
 *
 * <pre>{@code
 * System.out.println(loop.statistics());
 * }</pre>
 *
 * @param tasks tasks that have not ended
 * @param ready callbacks, steps and other entries in the ready queue; what other threads have sent since the loop
 *     looked last is not among them
 * @param timers timers of this library that are not due; those of Netty's handlers and of Reactor's schedulers are not
 *     among them
 * @param channels channels that are registered with the loop: connections, servers, pipes, watched ones
 * @param ticks ticks so far
 * @param polls ticks so far that looked for IO
 * @param executorActive functions of {@code toThread} and {@code runInExecutor} that run
 * @param executorQueued functions that were handed to an executor and have not begun
 * @since 0.1
 */
public record LoopStatistics(
        int tasks,
        int ready,
        int timers,
        int channels,
        long ticks,
        long polls,
        int executorActive,
        int executorQueued) {}
