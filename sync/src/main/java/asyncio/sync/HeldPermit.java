package asyncio.sync;

import org.jspecify.annotations.Nullable;

/** A permit for internal callers that act between the release and the notification of the next waiter. */
interface HeldPermit extends Permit {
    /** Releases the permit unless that has been done; returns the turn of the next waiters, or null. */
    @Nullable Turn free();

    @Override
    default void release() {
        Turn next = free();
        if (next != null) {
            next.pass();
        }
    }
}
