package asyncio.sync;

import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** One in the line of a {@link Lock}. */
abstract class LockWaiter<T> extends Suspension<T> implements Turn {
    LockWaiter(CoreSubscriber<? super T> actual, @Nullable Duration limit) {
        super(actual, limit);
    }

    /** The holder if this gets the lock. */
    abstract Object token();

    /** Settles it, the lock being its; under the lock's monitor. False if it has left meanwhile. */
    abstract boolean takeLock();

    @Override
    public final void pass() {
        deliver();
    }

    /** Whether it is still to have the lock. */
    boolean waits() {
        return isWaiting();
    }
}
