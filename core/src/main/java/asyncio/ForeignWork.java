package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;
import reactor.core.Scannable;

/**
 * Recognizes work that a loop does not know of, in another library or on another loop. Used only when a loop with
 * virtual time has nothing to do, so it may be expensive.
 */
final class ForeignWork {
    private ForeignWork() {}

    /**
     * Returns whether a Mono or subscription is another library's, or waits for one that is: our own name their current
     * source as {@code Scannable.Attr.PARENT}. One that represents a callback or a stage counts as foreign. One of ours
     * that has ended is being completed by another thread, which has yet to tell the task.
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

    /** Returns whether a Future is completed by such work. A task of the loop tells this itself. */
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
