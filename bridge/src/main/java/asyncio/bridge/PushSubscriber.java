package asyncio.bridge;

import asyncio.EventLoop;
import asyncio.Suppressed;
import asyncio.ThreadLocals;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.Exceptions;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Passes the items of a Flux to a listener. It requests one item at a time, so only the end can arrive while the
 * listener is called or an item is held back, which {@link #busy} marks; the thread that clears it handles the end.
 */
final class PushSubscriber<T> extends BaseSubscriber<T> implements Push {
    private final Consumer<? super T> listener;
    private final Consumer<? super @Nullable Throwable> end;
    private final @Nullable EventLoop loop;
    private final Context context = ThreadLocals.capture();
    /** All fields from here on are guarded by this. */
    private boolean paused;
    /** Whether an item has been requested and has not arrived. */
    private boolean requested;
    /** Whether the listener is being called, or {@link #held} is set. */
    private boolean busy;

    private @Nullable T held;
    /** Whether the source has ended, with or without {@link #error}. */
    private boolean ended;

    private @Nullable Throwable error;
    /** Whether the end has been reported, or the handle was disposed of. */
    private boolean over;

    /** @param loop the loop on which the listener is called; null for any thread */
    PushSubscriber(Consumer<? super T> listener, Consumer<? super @Nullable Throwable> end, @Nullable EventLoop loop) {
        this.loop = loop;
        this.listener = Objects.requireNonNull(listener, "listener");
        this.end = Objects.requireNonNull(end, "end");
    }

    // ---- the source's side

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        goOn();
    }

    @Override
    protected void hookOnNext(T item) {
        synchronized (this) {
            requested = false;
            if (!over) {
                busy = true;
                if (paused) {
                    held = item;
                    return;
                }
            }
        }
        if (isDisposed()) {
            Operators.onDiscard(item, context);
        } else {
            call(item);
        }
    }

    @Override
    protected void hookOnError(Throwable error) {
        endWith(error);
    }

    @Override
    protected void hookOnComplete() {
        endWith(null);
    }

    private void endWith(@Nullable Throwable error) {
        synchronized (this) {
            if (!ended) {
                ended = true;
                this.error = error;
                if (busy) {
                    return;
                }
            }
        }
        goOn();
    }

    // ---- the listener's side

    private void call(T item) {
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            listener.accept(item);
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            cancel();
            Throwable failure = Operators.onOperatorError(e, context);
            Throwable ofSource; // which arrived in the meantime
            synchronized (this) {
                ofSource = error;
                ended = true;
                error = failure;
            }
            if (ofSource != null && !Suppressed.tryAdd(failure, ofSource)) {
                Operators.onErrorDropped(ofSource, context);
            }
        }
        synchronized (this) {
            busy = false;
        }
        goOn();
    }

    /** Reports the end or requests an item, unless the listener is busy. */
    private void goOn() {
        boolean tell;
        synchronized (this) {
            if (over || busy || requested && !ended || paused && !ended) {
                return;
            }
            tell = ended;
            over = tell;
            requested = !tell;
        }
        if (tell) {
            tellEnd();
        } else {
            request(1);
        }
    }

    private void tellEnd() {
        try (ThreadLocals.Scope locals = ThreadLocals.restore(context)) {
            end.accept(error);
        } catch (Throwable e) {
            Exceptions.throwIfFatal(e);
            Operators.onErrorDropped(e, context);
        }
    }

    // ---- the handle's side

    @Override
    public synchronized void pause() {
        paused = true;
    }

    @Override
    public void resume() {
        synchronized (this) {
            paused = false;
        }
        if (loop != null && EventLoop.runningOrNull() != loop) {
            try {
                loop.callSoonThreadsafe(this::release, context);
                return;
            } catch (IllegalStateException closed) {
                // no other thread will do it
            }
        }
        release();
    }

    private void release() {
        T item;
        synchronized (this) {
            if (paused) { // again
                return;
            }
            item = held;
            held = null;
        }
        if (item == null) {
            goOn();
        } else {
            call(item);
        }
    }

    @Override
    public synchronized boolean isPaused() {
        return paused;
    }

    @Override
    public void dispose() {
        T item;
        synchronized (this) {
            over = true;
            item = held;
            held = null;
        }
        cancel();
        if (item != null) {
            Operators.onDiscard(item, context);
        }
    }

    @Override
    public synchronized boolean isDisposed() {
        return over;
    }

    @Override
    public Context currentContext() {
        return context;
    }
}
