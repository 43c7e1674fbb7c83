package asyncio;

import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * What goes on after Reactor has called a cancellation done: work that was told to end and has not yet. A task carries
 * one of these in the context of what it awaits, and does not go on before all of it is over; so does whoever holds
 * something that the work uses. For authors of operators. Thread-safe.
 */
public final class Cleanups {
    private final @Nullable EventLoop loop;
    private volatile Context context;
    /** Of the task, or of the operator, that this one is part of. */
    private final @Nullable Cleanups outer;
    /** Both guarded by this. */
    private int running;

    private @Nullable Future<Void> rest;

    Cleanups(Task<?> task) {
        this.loop = task.loop;
        this.context = task.getContext().put(Cleanups.class, this);
        this.outer = null;
    }

    private Cleanups(Context outer) {
        this.loop = null;
        this.context = outer.put(Cleanups.class, this);
        this.outer = of(outer);
    }

    /** A new one for work whose subscriber has that context; whoever made it calls {@link #whenOver} in the end. */
    public static Cleanups within(Context outer) {
        return new Cleanups(outer);
    }

    /** The context for the work, which leads here. */
    public Context context() {
        return context;
    }

    /** The task's context has changed. */
    void replaceContext(Context context) {
        this.context = context.put(Cleanups.class, this);
    }

    /** Those of the task that awaits, or of the operator around; null if there is none. */
    public static @Nullable Cleanups of(ContextView context) {
        return context.getOrDefault(Cleanups.class, null);
    }

    /** Something that was cancelled goes on; it calls {@link #end} when it is over. */
    public synchronized void begin() {
        running++;
    }

    /** What {@link #begin} began is over. */
    public void end() {
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

    /**
     * Runs the action when nothing is under way any more: now, or on the thread where the last of it ends. What is
     * around this one is not over before.
     */
    public void whenOver(Runnable action) {
        Future<Void> rest = rest();
        if (rest == null) {
            action.run();
            return;
        }
        Cleanups outer = this.outer;
        if (outer != null) {
            outer.begin();
        }
        rest.addDoneCallback(over -> {
            try {
                whenOver(action); // unless something has begun since
            } finally {
                if (outer != null) {
                    outer.end();
                }
            }
        });
    }

    /** A Future that completes when all is over; null if it is. */
    synchronized @Nullable Future<Void> rest() {
        if (running == 0) {
            return null;
        }
        Future<Void> rest = this.rest;
        if (rest == null) {
            rest = loop == null ? new Future<>() : new Future<>(loop);
            this.rest = rest;
        }
        return rest;
    }
}
