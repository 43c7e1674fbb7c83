package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** A loop as seen by the {@link LeakDetector}, which tells it of leaks on it, from any thread. */
interface LeakOwner {
    /** Returns whether to watch a coroutine that is not one of the first; called only by the owner of the loop. */
    boolean samples();

    /** A Future was collected with an exception that was never retrieved. */
    void unretrieved(String message, Throwable exception, @Nullable Origin origin, ContextView context);

    /** A coroutine was collected that was never awaited; returns false if that is to be logged. */
    boolean forgotten(LeakDetector.Leak coroutine);
}
