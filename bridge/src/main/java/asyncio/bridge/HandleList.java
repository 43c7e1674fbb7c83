package asyncio.bridge;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The handles to be disposed of at the end of a bridge: an immutable list, the newest first. Whoever ends the bridge
 * swaps the list for {@link #COMPLETED} or {@link #CANCELLED}, and so owns it.
 */
final class HandleList {
    static final HandleList COMPLETED = new HandleList(() -> {}, false, null);
    static final HandleList CANCELLED = new HandleList(() -> {}, false, null);

    private final Disposable disposable;
    private final boolean onlyIfCancelled;
    private final @Nullable HandleList older;

    HandleList(Disposable disposable, boolean onlyIfCancelled, @Nullable HandleList older) {
        this.disposable = disposable;
        this.onlyIfCancelled = onlyIfCancelled;
        this.older = older;
    }

    /** Adds to an owner's list, or disposes at once of what comes too late. */
    static <O> void add(
            AtomicReferenceFieldUpdater<O, HandleList> list,
            O owner,
            Disposable[] disposables,
            boolean onlyIfCancelled,
            Context context) {
        for (Disposable disposable : disposables) {
            Objects.requireNonNull(disposable, "disposable");
            HandleList before;
            do {
                before = list.get(owner);
                if (before == COMPLETED || before == CANCELLED) {
                    if (before == CANCELLED || !onlyIfCancelled) {
                        dispose(disposable, context);
                    }
                    break;
                }
            } while (!list.compareAndSet(owner, before, new HandleList(disposable, onlyIfCancelled, before)));
        }
    }

    /** Ends an owner's list, unless it has been, and disposes of what is in it. */
    static <O> void end(AtomicReferenceFieldUpdater<O, HandleList> list, O owner, boolean cancelled, Context context) {
        HandleList before;
        do {
            before = list.get(owner);
            if (before == COMPLETED || before == CANCELLED) {
                return;
            }
        } while (!list.compareAndSet(owner, before, cancelled ? CANCELLED : COMPLETED));
        for (HandleList cleanup = before; cleanup != null; cleanup = cleanup.older) {
            if (cancelled || !cleanup.onlyIfCancelled) {
                dispose(cleanup.disposable, context);
            }
        }
    }

    private static void dispose(Disposable disposable, Context context) {
        try {
            disposable.dispose();
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            Operators.onErrorDropped(e, context);
        }
    }
}
