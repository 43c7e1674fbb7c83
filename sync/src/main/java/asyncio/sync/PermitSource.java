package asyncio.sync;

import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/** What gives permits. */
abstract class PermitSource implements Scannable {
    /** Takes some that are free, unless others wait for them; null if that cannot be. */
    abstract @Nullable Held take(int permits);

    /** One who may have to wait. */
    abstract Suspension<Held> waiter(CoreSubscriber<? super Held> actual, int permits, @Nullable Duration limit);

    final Mono<Permit> acquireMono(int permits, @Nullable Duration limit) {
        return new Acquire(this, permits, limit);
    }

    static Duration checked(Duration limit) {
        return Objects.requireNonNull(limit, "limit");
    }
}
