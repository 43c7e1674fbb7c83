package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** The steps of {@link Timeout#moveOn}: a time limit that is not an error. */
final class MoveOnSteps<T> extends Steps<Timeout.Outcome<T>> {
    private final TimeLimitSteps.MovingOn<T> limit;

    MoveOnSteps(TimeLimitSteps.MovingOn<T> limit) {
        this.limit = limit;
    }

    @Override
    @Nullable AwaitGuard guard() {
        return limit instanceof AwaitGuard guard ? guard : null;
    }

    @Override
    Mono<?> begin(Task<?> task) {
        return limit.begin(task);
    }

    @Override
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        return limit.next(value, error);
    }

    @Override
    Timeout.Outcome<T> result() {
        return new Timeout.Outcome<>(limit.movedOn(), limit.result());
    }
}
