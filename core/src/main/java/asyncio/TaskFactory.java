package asyncio;

import reactor.core.publisher.Mono;

/**
 * Makes the tasks of a loop on which it was set with {@link EventLoop#setTaskFactory}: to change their options, wrap
 * their coroutines, or count them. It makes the task itself with {@link EventLoop#newTask}.
 *
 * <p>Called by every {@code createTask} on that loop, on the caller's thread. An exception it throws is thrown by
 * {@code createTask}.
 *
 * <p>The method is generic, so it is given as a method reference or a class, not as a lambda:
 *
 * <pre>{@code
 * loop.setTaskFactory(Asyncio::eagerTaskFactory);
 *
 * loop.setTaskFactory(new TaskFactory() {
 *     public <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options) {
 *         return loop.newTask(coroutine.doOnError(metrics::failed), options);
 *     }
 * });
 * }</pre>
 *
 * <p>asyncio: the argument of {@code loop.set_task_factory}.
 */
@FunctionalInterface
public interface TaskFactory {
    /** Returns a task of this loop, started or about to start. */
    <T> Task<T> newTask(EventLoop loop, Mono<? extends T> coroutine, TaskOptions options);
}
