package asyncio.internal.loop;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The actions to run when a loop is closed. The thread that removes an action from the set runs it, so that it runs
 * once.
 */
final class Closers {
    private final Set<Closer> closers = ConcurrentHashMap.newKeySet();

    /** Compared by identity, since the same action may be added twice. */
    private static final class Closer {
        final Runnable action;

        Closer(Runnable action) {
            this.action = action;
        }
    }

    /**
     * Adds an action.
     *
     * @param closing read after the action has been added: if it is true, {@link #run} may have missed the action
     * @return removes the action, unless it has started
     */
    Runnable add(Runnable action, BooleanSupplier closing) {
        Closer closer = new Closer(action);
        closers.add(closer);
        if (closing.getAsBoolean() && closers.remove(closer)) {
            action.run();
        }
        return () -> closers.remove(closer);
    }

    /** Runs all actions, even if one throws; returns the first Error. */
    @Nullable Error run(LoopObserver observer) {
        Error error = null;
        for (Closer closer : List.copyOf(closers)) {
            if (closers.remove(closer)) {
                try {
                    closer.action.run();
                } catch (RuntimeException e) {
                    observer.failedAtClose(closer.action, e);
                } catch (Error e) {
                    error = error == null ? e : error;
                }
            }
        }
        return error;
    }
}
