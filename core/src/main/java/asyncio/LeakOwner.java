package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** A loop, for the {@link LeakDetector}: told what was forgotten on it. From any thread. */
interface LeakOwner {
    /** Whether to watch a coroutine that is not one of the first; used by the owner of the loop only. */
    boolean samples();

    /** A Future was collected whose exception was never retrieved. */
    void unretrieved(String message, Throwable exception, @Nullable Origin origin, ContextView context);

    /** A coroutine was collected that was never awaited; false if that is to be logged. */
    boolean forgotten(LeakDetector.Leak coroutine);
}
