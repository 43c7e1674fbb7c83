package asyncio.queue;

import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** A waiter for an item, which returns to its place if the waiter does not resume with it. */
abstract class ItemSuspension<T> extends Suspension<T> {
    /** The place of the granted item; guarded by the source's monitor until the grant. */
    long place;

    ItemSuspension(CoreSubscriber<? super T> actual, @Nullable Duration limit, @Nullable EventLoop loop) {
        super(actual, limit, loop);
    }

    /** Ignores an error that arrives too late. */
    @Override
    protected final void undelivered(@Nullable T value, @Nullable Throwable error) {
        giveBack(value);
    }
}
