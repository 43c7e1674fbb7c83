package asyncio;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/** What runs when a loop is closed. Whoever takes an action out of the set runs it, so that it runs once. */
final class Closers {
    private final Set<Closer> closers = ConcurrentHashMap.newKeySet();

    /** By identity: the same action may be there twice. */
    private static final class Closer {
        final Runnable action;

        Closer(Runnable action) {
            this.action = action;
        }
    }

    /** @param closing looked at when the action is there: if it is true, {@link #run} may have gone by */
    Disposable add(Runnable action, BooleanSupplier closing) {
        Closer closer = new Closer(action);
        closers.add(closer);
        if (closing.getAsBoolean() && closers.remove(closer)) {
            action.run();
        }
        return () -> closers.remove(closer);
    }

    /** Runs all of them, whatever one throws; the first Error. */
    @Nullable Error run(EventLoop loop) {
        Error error = null;
        for (Closer closer : List.copyOf(closers)) {
            if (closers.remove(closer)) {
                try {
                    closer.action.run();
                } catch (RuntimeException e) {
                    Log.error(
                            "Exception in " + Log.text(closer.action) + ", which ran since " + loop + " is closed", e);
                } catch (Error e) {
                    error = error == null ? e : error;
                }
            }
        }
        return error;
    }
}
