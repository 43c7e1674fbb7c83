package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** The Reactor context of the code that runs on a thread, and the loop that runs there. */
final class Contexts {
    private static final ThreadLocal<@Nullable Running> RUNNING = new ThreadLocal<>();
    /** The context of functions that run outside of loops. */
    private static final ThreadLocal<@Nullable ContextView> OF_THREAD = new ThreadLocal<>();

    private Contexts() {}

    /** A loop, as far as its context is concerned. */
    abstract static class Running {
        /** The context of the task or callback that runs. */
        abstract ContextView context();

        /** Returns the receiver of reports about leaks on this loop. */
        abstract LeakOwner leaks();
    }

    /** Returns the loop that runs on this thread, or null. */
    static @Nullable Running running() {
        return RUNNING.get();
    }

    static boolean onLoop() {
        return RUNNING.get() != null;
    }

    static void setRunning(@Nullable Running loop) {
        if (loop == null) {
            RUNNING.remove();
        } else {
            RUNNING.set(loop);
        }
    }

    /** Implements {@link Asyncio#currentContext}. */
    static ContextView current() {
        Running loop = RUNNING.get();
        if (loop != null) {
            return loop.context();
        }
        ContextView context = OF_THREAD.get();
        return context == null ? Context.empty() : context;
    }

    /** Runs a function with a context, and with the ThreadLocals in it. */
    static void runWith(ContextView context, Runnable function) {
        ContextView outer = OF_THREAD.get();
        OF_THREAD.set(context);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            function.run();
        } finally {
            restore(outer);
        }
    }

    /** Like {@link #runWith}, for a function with a result. */
    static <T> @Nullable T callWith(ContextView context, Callable<? extends T> function) throws Exception {
        // the outer one belongs to a function that calls another one on its own thread, as a direct executor does
        ContextView outer = OF_THREAD.get();
        OF_THREAD.set(context);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            return function.call();
        } finally {
            restore(outer);
        }
    }

    private static void restore(@Nullable ContextView outer) {
        if (outer == null) {
            OF_THREAD.remove();
        } else {
            OF_THREAD.set(outer);
        }
    }
}
