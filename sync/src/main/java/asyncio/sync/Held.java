package asyncio.sync;

import asyncio.Owned;
import org.jspecify.annotations.Nullable;

/** A permit, for those in here who want to do something between the release and what it sets free. */
interface Held extends Permit, Owned {
    /** Gives it back, unless that has been done; whose turn it is then, or null. */
    @Nullable Turn free();

    @Override
    default void release() {
        Turn next = free();
        if (next != null) {
            next.pass();
        }
    }

    /** The result of a task that nobody waits for any more. */
    @Override
    default void discard() {
        release();
    }
}
