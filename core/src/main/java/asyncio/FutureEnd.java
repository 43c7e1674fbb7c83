package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;

/**
 * The end of a {@link Future}, for the authors of bridges who release what served it. Users of a Future have
 * {@link Future#addDoneCallback}.
 *
 * @since 0.1
 */
public final class FutureEnd extends Waiter {
    private final Runnable action;

    private FutureEnd(Runnable action) {
        this.action = action;
    }

    /**
     * Runs an action when a Future is done or cancelled: on the thread that ends it, before anything that waits for it
     * resumes, and never under a lock; at once if it has ended. From any thread. What the action throws goes to the
     * code that ends the Future.
     *
     * <pre>{@code
     * FutureEnd.then(reply, buffer::clear);
     * }</pre>
     */
    public static void then(Future<?> future, Runnable action) {
        FutureEnd end = new FutureEnd(action);
        if (!future.addWaiter(end)) {
            end.resume();
        }
    }

    @Override
    public void run() {
        action.run();
    }

    @Override
    @Nullable LoopCore resumesOn() {
        return null; // on the thread that completes or cancels
    }
}
