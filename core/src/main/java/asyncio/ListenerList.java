package asyncio;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * The listeners of one loop. Thread-safe; telling them throws nothing.
 *
 * @param <L> the type of the listeners
 */
final class ListenerList<L> {
    private final List<L> all = new CopyOnWriteArrayList<>();

    /** Adds a listener, which is told of events from now on, until the result is disposed of. */
    Disposable add(L listener) {
        all.add(Objects.requireNonNull(listener, "listener"));
        Disposable.Swap added = Disposables.swap();
        added.update(() -> all.remove(listener)); // one that was added twice keeps its other place
        return added;
    }

    /** Returns whether there are none; called before an event is created for them. */
    boolean none() {
        return all.isEmpty();
    }

    void tell(Consumer<? super L> event) {
        for (L listener : all) {
            try {
                event.accept(listener);
            } catch (Throwable e) { // the calling code may be about to end a task that has waiters
                failed(listener, e);
            }
        }
    }

    private static void failed(Object listener, Throwable e) {
        try {
            Log.error("Exception in listener " + Log.text(listener), e);
        } catch (Throwable again) {
            // no memory even to say so
            Thread.onSpinWait();
        }
    }
}
