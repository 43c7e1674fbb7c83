package asyncio;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import reactor.core.Disposable;

/** The listeners of one loop. From any thread; telling them throws nothing. */
final class LoopListeners {
    private static final LoopListener[] NONE = {};

    /** Replaced, never changed. */
    private volatile LoopListener[] all = NONE;

    /** Adds one, which is told what happens from here on, until the result is disposed of. */
    Disposable add(LoopListener listener) {
        Objects.requireNonNull(listener, "listener");
        synchronized (this) {
            List<LoopListener> more = new ArrayList<>(List.of(all));
            more.add(listener);
            all = more.toArray(NONE);
        }
        AtomicBoolean disposed = new AtomicBoolean();
        return new Disposable() {
            @Override
            public void dispose() {
                if (disposed.compareAndSet(false, true)) {
                    remove(listener);
                }
            }

            @Override
            public boolean isDisposed() {
                return disposed.get();
            }
        };
    }

    private synchronized void remove(LoopListener listener) {
        List<LoopListener> fewer = new ArrayList<>(List.of(all));
        for (int i = 0; i < fewer.size(); i++) {
            if (fewer.get(i) == listener) { // one that was added twice keeps its other place
                fewer.remove(i);
                break;
            }
        }
        all = fewer.isEmpty() ? NONE : fewer.toArray(NONE);
    }

    /** Returns whether there are none; to be asked before anything is made for them. */
    boolean none() {
        return all == NONE;
    }

    void tell(Consumer<LoopListener> event) {
        for (LoopListener listener : all) {
            try {
                event.accept(listener);
            } catch (Throwable e) { // the code that tells may be about to end a task, which others wait for
                failed(listener, e);
            }
        }
    }

    private static void failed(LoopListener listener, Throwable e) {
        try {
            Log.error("Exception in listener " + Log.text(listener), e);
        } catch (Throwable again) {
            // no memory even to say so
            Thread.onSpinWait();
        }
    }
}
