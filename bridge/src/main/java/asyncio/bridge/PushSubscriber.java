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
 * A Flux's way to a listener. One item is asked for at a time, so only the end can come while the listener is called or
 * an item is held back: {@link #busy} says so, and whoever clears it sees to the end.
 */
final class PushSubscriber<T> extends BaseSubscriber<T> implements Push {
    private final Consumer<? super T> listener;
    private final Consumer<? super @Nullable Throwable> end;
    private final @Nullable EventLoop loop;
    private final Context context = ThreadLocals.capture();
    /** All that follows is guarded by this. */
    private boolean paused;
    /** An item has been requested and has not come. */
    private boolean requested;
    /** The listener is being called, or {@link #held} is there. */
    private boolean busy;

    private @Nullable T held;
    /** The source has ended, with {@link #error} or without. */
    private boolean ended;

    private @Nullable Throwable error;
    /** The end has been told, or nobody wants to know. */
    private boolean over;

    /** @param loop where the listener is called; null for wherever */
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
            Throwable ofSource; // which came meanwhile
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

    /** With the listener free: tells the end, or asks for an item. */
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
                // nobody else will do it
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
