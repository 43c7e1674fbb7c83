package asyncio;

import asyncio.internal.loop.LoopCore;
import org.jspecify.annotations.Nullable;

/**
 * A hook at the end of a {@link Future}, for authors of bridges that then release its resources. Users of a Future have
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
     * Runs an action when a Future is done or cancelled: on the thread that ends it, before any waiter resumes, and
     * never under a lock; at once if it has already ended. May be called from any thread. An exception of the action is
     * thrown to the code that ends the Future.
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
