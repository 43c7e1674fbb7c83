package asyncio.bridge;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The handles to dispose of at the end of a bridge: an immutable list, newest first. The thread that ends the bridge
 * replaces the list by {@link #COMPLETED} or {@link #CANCELLED}, and thus owns it.
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

    /** Adds handles to an owner's list, or disposes of them immediately if they come too late. */
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

    /** Ends an owner's list, unless that has been done, and disposes of its handles. */
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
