package asyncio;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * {@link Asyncio#waitFor} with a limit of zero or less: a Future that is done gives its result, a running one is
 * cancelled and waited for, and a coroutine that has not started never starts.
 */
final class NoTimeSteps<T> extends Steps<T> {
    private final Mono<? extends T> mono;
    private final Duration limit;
    /** The Future that was cancelled for the limit; it is waited for. */
    private @Nullable Future<T> ending;

    private @Nullable CancelledException cancelled;
    private @Nullable T value;

    NoTimeSteps(Mono<? extends T> mono, Duration limit) {
        this.mono = mono;
        this.limit = limit;
    }

    @Override
    @SuppressWarnings("unchecked") // a Future has the type of the Mono that it is
    Mono<?> begin(Task<?> task) {
        ColdMono.adopt(mono);
        if (!(mono instanceof Future<?> future)) {
            return Mono.error(TimeLimitSteps.timeoutException(
                    "after " + limit, new CancelledException("There was no time to begin")));
        }
        if (future.done()) {
            return future;
        }
        ending = (Future<T>) future;
        future.cancel();
        return future.whenEnded();
    }

    @Override
    @SuppressWarnings("unchecked") // as above
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        Future<T> ending = this.ending;
        if (ending == null) {
            if (error != null) {
                throw Misuse.<Exception>sneaky(error);
            }
            this.value = (T) value;
            return null;
        }
        if (error instanceof CancelledException e) {
            cancelled = e;
            if (!ending.done()) {
                return ending.whenEnded(); // keep waiting until it has ended
            }
        } else if (error != null) {
            throw Misuse.<Exception>sneaky(error); // the loop is being closed
        }
        if (cancelled != null) {
            throw cancelled;
        }
        try {
            this.value = ending.result();
        } catch (CancelledException e) {
            throw TimeLimitSteps.timeoutException("after " + limit, e);
        }
        return null;
    }

    @Override
    @Nullable T result() {
        return value;
    }
}
