package asyncio;

import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * The steps of {@link Asyncio#shieldedCleanup}: runs a clean-up as a task that cancellations of the awaiting task do
 * not reach, and waits for its end.
 */
final class ShieldedCleanupSteps<T> extends Steps<T> {
    private final Mono<? extends T> mono;
    private final Duration limit;
    private @Nullable Task<?> caller;
    private @Nullable Task<T> work;
    private @Nullable TimerHandle alarm;
    private boolean expired;
    private @Nullable CancelledException cancelled;

    ShieldedCleanupSteps(Mono<? extends T> mono, Duration limit) {
        this.mono = mono;
        this.limit = limit;
    }

    @Override
    Mono<?> begin(Task<?> caller) {
        this.caller = caller;
        // eager: a task cancelled before its first step would never start
        Task<T> work = caller.loop.createTask(
                mono, new TaskOptions("clean-up of " + caller.getName(), caller.getContext(), true));
        this.work = work;
        if (!work.done()) {
            alarm = caller.loop.callLater(limit, this::expire);
        }
        return work.whenEnded();
    }

    private void expire() {
        expired = true;
        Objects.requireNonNull(work).cancel("The clean-up took longer than " + limit);
    }

    @Override
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        Task<T> work = Objects.requireNonNull(this.work);
        if (error instanceof CancelledException exception) {
            cancelled = cancelled == null ? exception : cancelled;
        } else if (error != null) {
            throw Misuse.<Exception>sneaky(error); // the loop is being closed
        }
        return work.done() ? null : work.whenEnded();
    }

    @Override
    @Nullable T result() throws Exception {
        if (alarm != null) {
            alarm.cancel();
        }
        if (cancelled != null) {
            Task<?> caller = Objects.requireNonNull(this.caller);
            caller.uncancel(); // it stays requested, with the same count: the next await throws it
            caller.cancel(Log.message(cancelled));
        }
        Task<T> work = Objects.requireNonNull(this.work);
        if (expired && work.cancelled()) {
            throw TimeLimitSteps.timeoutException("after " + limit, work.cancellation());
        }
        return work.result();
    }
}
