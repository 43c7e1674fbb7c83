package asyncio.bridge;

import asyncio.Asyncio;
import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/**
 * ThreadLocals over bridges: into the Reactor context where plain code enters it, out of it where plain code is called.
 * Which ones, {@code io.micrometer:context-propagation} knows; without it nothing is carried.
 */
final class ThreadLocals {
    private static final boolean AVAILABLE = isAvailable();

    private ThreadLocals() {}

    /** What runs in a scope. */
    interface Action {
        void run() throws Exception;
    }

    private static boolean isAvailable() {
        try {
            Class.forName("io.micrometer.context.ContextSnapshotFactory", false, ThreadLocals.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    /** The context of the running task or callback, and the ThreadLocals of this thread. */
    static Context capture() {
        Context context = Context.of(Asyncio.currentContext());
        return AVAILABLE ? Micrometer.capture(context) : context;
    }

    /** Whether {@link #run} would do more than run. */
    static boolean in(ContextView context) {
        return AVAILABLE && !context.isEmpty();
    }

    /** Runs with the ThreadLocals that the context holds. */
    static void run(ContextView context, Action action) throws Exception {
        if (in(context)) {
            Micrometer.run(context, action);
        } else {
            action.run();
        }
    }

    /** As {@link #run}, for what throws nothing that is checked. */
    static void runQuietly(ContextView context, Runnable action) {
        if (in(context)) {
            Micrometer.runQuietly(context, action);
        } else {
            action.run();
        }
    }

    /** Loaded only if the library is there. */
    private static final class Micrometer {
        private static final ContextSnapshotFactory FACTORY =
                ContextSnapshotFactory.builder().build();

        static Context capture(Context context) {
            return FACTORY.captureAll().updateContext(context);
        }

        static void run(ContextView context, Action action) throws Exception {
            try (ContextSnapshot.Scope scope = FACTORY.setThreadLocalsFrom(context)) {
                action.run();
            }
        }

        static void runQuietly(ContextView context, Runnable action) {
            try (ContextSnapshot.Scope scope = FACTORY.setThreadLocalsFrom(context)) {
                action.run();
            }
        }
    }
}
