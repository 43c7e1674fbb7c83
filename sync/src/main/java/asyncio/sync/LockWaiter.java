package asyncio.sync;

import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter in the line for a {@link Lock}. */
abstract class LockWaiter<T> extends Suspension<T> implements Turn {
    LockWaiter(CoreSubscriber<? super T> actual, @Nullable Duration limit) {
        super(actual, limit);
    }

    /** The token that holds the lock when this waiter gets it. */
    abstract Object token();

    /** Settles it with the lock; under the lock's monitor. False if it has left in the meantime. */
    abstract boolean takeLock();

    @Override
    public final void pass() {
        deliver();
    }

    /** Returns whether it still waits for the lock. */
    boolean waits() {
        return isWaiting();
    }
}
