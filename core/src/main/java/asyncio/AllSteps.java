package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The steps of {@link Asyncio#all}: the results of a group's tasks when all have ended. */
final class AllSteps<T> extends Steps<List<@Nullable T>> {
    private final List<Task<T>> tasks = new ArrayList<>();
    private final GroupSteps<Object> scope;

    private AllSteps(List<Mono<? extends T>> coroutines) {
        scope = new GroupSteps<>(group -> {
            for (Mono<? extends T> coroutine : coroutines) {
                tasks.add(group.createTask(coroutine));
            }
            return Mono.empty();
        });
    }

    static <T> Mono<List<@Nullable T>> of(Iterable<? extends Mono<? extends T>> monos) {
        List<Mono<? extends T>> coroutines = new ArrayList<>();
        for (Mono<? extends T> mono : monos) {
            ColdMono.adopt(Objects.requireNonNull(mono, "one of the Monos is null"));
            coroutines.add(mono);
        }
        return new MonoScope.Supplied<>(AllSteps.class, false, () -> new AllSteps<>(coroutines));
    }

    @Override
    Mono<?> begin(Task<?> task) {
        return scope.begin(task);
    }

    @Override
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        return scope.next(value, error);
    }

    @Override
    List<@Nullable T> result() {
        List<@Nullable T> results = new ArrayList<>(tasks.size());
        for (Task<T> task : tasks) {
            results.add(task.resultOrNull());
        }
        return results;
    }
}
