package asyncio;

import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** The Reactor context of the code that runs on a thread. */
final class Contexts {
    /** Of functions that run outside of loops. */
    private static final ThreadLocal<@Nullable ContextView> OF_THREAD = new ThreadLocal<>();

    private Contexts() {}

    /** Implements {@link Asyncio#currentContext}. */
    static ContextView current() {
        EventLoop loop = EventLoop.runningOrNull();
        if (loop != null) {
            return loop.context();
        }
        ContextView context = OF_THREAD.get();
        return context == null ? Context.empty() : context;
    }

    /** Runs a function with a context, and with the ThreadLocals that this holds. */
    static void runWith(ContextView context, Runnable function) {
        ContextView outer = OF_THREAD.get();
        OF_THREAD.set(context);
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            function.run();
        } finally {
            restore(outer);
        }
    }

    /** As {@link #runWith}, for a function with a result. */
    static <T> @Nullable T callWith(ContextView context, Callable<? extends T> function) throws Exception {
        // the outer one is of a function that calls another in its own thread, as a direct executor does
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
