package asyncio.streams;

import asyncio.Log;
import java.util.concurrent.atomic.AtomicInteger;

/** The writes that could not be sent any more: said once, when they have been ignored for some time. */
final class DroppedWrites {
    /** asyncio's LOG_THRESHOLD_FOR_CONNLOST_WRITES. */
    private static final int LOGGED = 5;

    private final AtomicInteger count = new AtomicInteger();

    /** @param transport to which something was written */
    void add(Object transport) {
        if (count.incrementAndGet() == LOGGED) {
            Log.warn(
                    LOGGED + " writes to " + transport + " were dropped, since it is closed or lost, and so"
                            + " will be those that follow. Stop writing when isClosing() is true",
                    null);
        }
    }
}
