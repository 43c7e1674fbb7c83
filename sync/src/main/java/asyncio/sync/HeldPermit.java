package asyncio.sync;

import org.jspecify.annotations.Nullable;

/** A permit, for those in here who want to do something between the release and what it sets free. */
interface HeldPermit extends Permit {
    /** Gives it back, unless that has been done; whose turn it is then, or null. */
    @Nullable Turn free();

    @Override
    default void release() {
        Turn next = free();
        if (next != null) {
            next.pass();
        }
    }
}
