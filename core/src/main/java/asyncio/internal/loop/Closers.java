package asyncio.internal.loop;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The actions to run when a loop is closed. The thread that takes an action out of the set runs it, so that it runs
 * once.
 */
final class Closers {
    private final Set<Closer> closers = ConcurrentHashMap.newKeySet();

    /** By identity: the same action may be there twice. */
    private static final class Closer {
        final Runnable action;

        Closer(Runnable action) {
            this.action = action;
        }
    }

    /**
     * Adds an action.
     *
     * @param closing looked at when the action is there: if it is true, {@link #run} may have gone by
     * @return takes it back, unless it has begun
     */
    Runnable add(Runnable action, BooleanSupplier closing) {
        Closer closer = new Closer(action);
        closers.add(closer);
        if (closing.getAsBoolean() && closers.remove(closer)) {
            action.run();
        }
        return () -> closers.remove(closer);
    }

    /** Runs all of them, whatever one throws; the first Error. */
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
