package asyncio;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The result of {@link Asyncio#waitTasks}. Both sets are in the order of the arguments, and cannot be changed.
 *
 * <pre>{@code
 * List<Task<Long>> replicas = List.of(
 *         createTask(sleep(Duration.ofSeconds(1), 1L)), createTask(sleep(Duration.ofSeconds(2), 2L)));
 * WaitResult<Task<Long>> result = await(waitTasks(replicas, ReturnWhen.FIRST_COMPLETED));
 * result.pending().forEach(Future::cancel);
 * }</pre>
 *
 * @param done the Futures that were done when the waiting ended
 * @param pending the others, which are still running
 * @param <F> the type of the Futures: {@code Task<String>}, say
 */
public record WaitResult<F extends Future<?>>(Set<F> done, Set<F> pending) {
    static <F extends Future<?>> WaitResult<F> of(List<F> futures) {
        Set<F> done = new LinkedHashSet<>();
        Set<F> pending = new LinkedHashSet<>();
        for (F future : futures) {
            (future.done() ? done : pending).add(future);
        }
        return new WaitResult<>(Collections.unmodifiableSet(done), Collections.unmodifiableSet(pending));
    }
}
