package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * What goes on after Reactor has called a cancellation done: work that was told to end and has not yet. A task carries
 * one of these in the context of what it awaits, and does not go on before all of it is over. Thread-safe.
 */
final class Cleanups {
    private final EventLoop loop;
    private final Context context;
    /** Both guarded by this. */
    private int running;

    private @Nullable Future<Void> rest;

    Cleanups(Task<?> task) {
        this.loop = task.loop;
        this.context = task.getContext().put(Cleanups.class, this);
    }

    /** The context that leads here. */
    Context context() {
        return context;
    }

    /** Those of the task that awaits, or null if none does. */
    static @Nullable Cleanups of(ContextView context) {
        return context.getOrDefault(Cleanups.class, null);
    }

    synchronized void begin() {
        running++;
    }

    void end() {
        Future<Void> over = null;
        synchronized (this) {
            running--;
            if (running == 0) {
                over = rest;
                rest = null;
            }
        }
        if (over != null) {
            over.trySetResult(null);
        }
    }

    /** Adds work that ends with a Future. */
    void add(Future<?> work) {
        begin();
        Waiter ended = new Waiter() {
            @Override
            public void run() {
                end();
            }

            @Override
            @Nullable EventLoop resumesOn() {
                return null; // nobody's code runs
            }

            @Override
            boolean isInternal() {
                return true;
            }
        };
        if (!work.addWaiter(ended)) {
            ended.run();
        }
    }

    /** A Future that completes when all is over; null if it is. */
    synchronized @Nullable Future<Void> rest() {
        if (running == 0) {
            return null;
        }
        Future<Void> rest = this.rest;
        if (rest == null) {
            rest = new Future<>(loop);
            this.rest = rest;
        }
        return rest;
    }
}
