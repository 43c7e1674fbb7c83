package asyncio.streams;

import asyncio.Log;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts writes that could no longer be sent, and logs one warning after a few of them. */
final class DroppedWrites {
    /** asyncio's LOG_THRESHOLD_FOR_CONNLOST_WRITES. */
    private static final int LOGGED = 5;

    private final AtomicInteger count = new AtomicInteger();

    /** @param transport the target of the write */
    void add(Object transport) {
        if (count.incrementAndGet() == LOGGED) {
            Log.warn(
                    LOGGED + " writes to " + transport + " were dropped because it is closed or lost, and"
                            + " later ones will be, too. Stop writing when isClosing() is true",
                    null);
        }
    }
}
