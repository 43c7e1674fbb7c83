package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;
import reactor.core.Scannable;

/**
 * Tells what a loop knows nothing of: another library, another loop. Asked only when a loop with virtual time has
 * nothing to do, so that it may cost something.
 */
final class ForeignWork {
    private ForeignWork() {}

    /**
     * Whether a Mono or subscription is another library's, or waits for something that is: our own tell by
     * {@code Scannable.Attr.PARENT} what they wait for at the moment. What stands for a callback or a stage is
     * another's. One of ours that has ended is being ended by another thread, which has yet to tell the task.
     */
    static boolean is(@Nullable Object source, LoopCore loop) {
        for (Object at = source; at != null; ) {
            if (at instanceof Future<?> future) {
                return completes(future, loop);
            }
            String type = at.getClass().getName();
            if (!DebugMode.isOurs(type) || type.startsWith("asyncio.bridge.")) {
                return true;
            }
            if (!(at instanceof Scannable scannable)) {
                return false;
            }
            if (Boolean.TRUE.equals(scannable.scanUnsafe(Scannable.Attr.TERMINATED))) {
                return true;
            }
            at = scannable.scanUnsafe(Scannable.Attr.PARENT);
        }
        return false;
    }

    /** Whether a Future is completed from there. A task of the loop tells that itself. */
    static boolean completes(Future<?> future, LoopCore loop) {
        if (future.done()) {
            return false;
        }
        LoopCore its = EventLoop.coreOf(future.getLoop());
        if (future instanceof Future.Wrapped || its != null && its != loop) {
            return true;
        }
        for (Future<?> part : future.parts()) {
            if (part != future && completes(part, loop)) {
                return true;
            }
        }
        return false;
    }
}
