package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Waits until a Future is done, however it ends. A cancellation does not cut the waiting short; it comes out after it.
 */
final class UntilEnded extends Steps<Void> {
    private final Future<?> future;
    private @Nullable CancelledException cancelled;

    private UntilEnded(Future<?> future) {
        this.future = future;
    }

    static Mono<Void> of(Future<?> future) {
        ScopeMono<Void> scope = new ScopeMono.Supplied<>(UntilEnded.class, false, () -> new UntilEnded(future));
        scope.adopt();
        return scope;
    }

    @Override
    Mono<?> begin(Task<?> task) {
        return Ended.of(future);
    }

    @Override
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        if (error instanceof CancelledException exception) {
            cancelled = exception;
            if (!future.done()) {
                return Ended.of(future);
            }
        } else if (error != null) {
            throw Misuse.<Exception>sneaky(error); // the loop is being closed
        }
        if (cancelled != null) {
            throw cancelled;
        }
        return null;
    }

    @Override
    @Nullable Void result() {
        return null;
    }
}
