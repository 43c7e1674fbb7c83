package asyncio;

import asyncio.internal.loop.LoopCore;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscriber;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * A task's subscription to a Mono that is not a {@link Future}. The state has one winner: the Mono's end or the task's
 * cancellation. A value belongs to the task only once the task has resumed; if it was cancelled before that, the value
 * is given back to its source.
 */
final class WaitSubscriber<T> extends Wait implements CoreSubscriber<T>, Scannable {
    private static final VarHandle STATE;
    private static final VarHandle VALUE;
    private static final VarHandle ERROR;
    /** In {@link #error}: later errors will not be seen. */
    private static final Object TOO_LATE = new Object();

    /** The Mono has not ended and the task is still subscribing: an end now needs no resumption. */
    private static final int SUBSCRIBING = 0;
    /** The Mono has not ended and the task is suspended. */
    private static final int SUSPENDED = 1;

    /** The task was cancelled, and will dispose of the Mono when it resumes, unless the Mono ends before. */
    private static final int CANCELLING = 2;

    private static final int ENDED = 3;
    private static final int DISPOSED = 4;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            STATE = lookup.findVarHandle(WaitSubscriber.class, "state", int.class);
            VALUE = lookup.findVarHandle(WaitSubscriber.class, "value", Object.class);
            ERROR = lookup.findVarHandle(WaitSubscriber.class, "error", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Mono<? extends T> mono;
    private volatile int state;
    private volatile @Nullable Subscription subscription;
    /** Taken with an atomic swap by the thread that uses it or gives it back. */
    private volatile @Nullable Object value;

    /** May also come between the task's cancellation and its resumption, which takes it out. */
    private volatile @Nullable Object error;

    /** Whether it was cancelled before the Mono had ended; written before the state. */
    private volatile boolean cancelled;

    /** Whether the Mono ended after that; if it ended before, the cancelling thread notices and leaves a request. */
    private boolean endedWhileCancelling;

    /**
     * The message of the first cancellation, used when the Mono is disposed, and that of the last, used after an end.
     */
    private @Nullable String cancelMessage;

    private @Nullable String lastMessage;
    /** Used by the owner of the loop only. */
    private boolean givenBack;

    WaitSubscriber(Task<?> task, Mono<? extends T> mono) {
        super(task);
        this.mono = mono;
    }

    @Override
    boolean isForeign() {
        return ForeignWork.is(mono, task.loop.core) || ForeignWork.is(subscription, task.loop.core);
    }

    /** Subscribes; returns true if the task must suspend, false if the Mono has already ended. */
    @SuppressWarnings("unchecked")
    boolean subscribe() {
        // through Publisher's method, not CoreSubscriber's: that one skips Reactor's assembly hooks
        ((Mono<T>) mono).subscribe((Subscriber<T>) this);
        return STATE.compareAndSet(this, SUBSCRIBING, SUSPENDED);
    }

    /**
     * Returns the outcome, for a task that has resumed or was never suspended.
     *
     * @param request a cancellation that came after the Mono's end
     */
    @Override
    @SuppressWarnings("unchecked")
    @Nullable T outcome(@Nullable CancelledException request) throws Exception {
        if (state == DISPOSED) {
            throw cancelled();
        }
        Throwable error = (Throwable) this.error;
        if (error instanceof CancelledException first) {
            throw first; // a later request changes nothing
        }
        if (request != null && error == null && isIrrevocable()) {
            task.postpone(request);
        } else if (request != null) {
            if (error == null) {
                giveBackOnce();
            } else {
                carry(request, error);
            }
            throw request;
        }
        if (givenBack) { // the request was taken back meanwhile, but the value is gone
            throw CancelledException.of(task.loop, null);
        }
        if (error != null) {
            throw Misuse.sneaky(error);
        }
        T value = takeValue();
        return subscription instanceof AwaitedSubscription<?> awaited
                ? ((AwaitedSubscription<T>) awaited).take(value)
                : value;
    }

    /** Returns whether the outcome may be an {@link AwaitedSubscription.Spurious} exception. */
    boolean mayBeSpurious() {
        return subscription instanceof AwaitedSubscription<?> awaited && awaited.mayBeSpurious();
    }

    /** Returns the cancellation, with the error that the Mono ended with before it could be disposed of, if any. */
    private CancelledException cancelled() {
        CancelledException cancelled = CancelledException.of(task.loop, cancelMessage);
        if (ERROR.getAndSet(this, TOO_LATE) instanceof Throwable late) {
            carry(cancelled, late);
        }
        return cancelled;
    }

    /**
     * Lets a cancellation replace the error of the Mono, which it gets as a suppressed exception; of another
     * cancellation it takes over the suppressed exceptions.
     */
    static void carry(CancelledException cancelled, Throwable replaced) {
        if (!(replaced instanceof CancellationException)) {
            Suppressed.add(cancelled, replaced);
        } else if (replaced != cancelled) {
            for (Throwable late : replaced.getSuppressed()) {
                Suppressed.add(cancelled, late);
            }
        }
    }

    @Override
    boolean hasEnded() {
        return state == ENDED;
    }

    /**
     * Called when the task resumes after a cancellation: a Mono that has not ended will be disposed of. One that has
     * ended since the cancellation gives its value, and the next await throws the cancellation, unless it was taken
     * back.
     */
    @Override
    void resumed() {
        if (cancelled && !STATE.compareAndSet(this, CANCELLING, DISPOSED) && state == ENDED && endedWhileCancelling) {
            task.requestAgain(this, lastMessage);
        }
    }

    /** Disposes of the Mono, if the task was cancelled; in the step in which the task resumes. */
    void disposeIfCancelled() {
        if (state == DISPOSED) {
            cancelUpstream();
        }
    }

    /** Returns whether the Mono ended with an error. */
    boolean failed() {
        return error != null;
    }

    @SuppressWarnings("unchecked")
    private @Nullable T takeValue() {
        return (T) VALUE.getAndSet(this, null);
    }

    private boolean isIrrevocable() {
        return subscription instanceof Suspension<?> suspension && suspension.isIrrevocable();
    }

    /** Gives the value back if the Mono has ended normally, unless the cancelled task will use it all the same. */
    void giveBackOnce() {
        if (state == ENDED && error == null && !givenBack && !isIrrevocable()) {
            givenBack = true;
            giveBack();
        }
    }

    /** Gives back the unused outcome of a Mono that has ended normally. */
    private void giveBack() {
        giveBack(takeValue());
    }

    /** Gives back a value that came before an end. */
    private void giveBackValue() {
        T value = takeValue();
        if (value != null) {
            giveBack(value);
        }
    }

    @SuppressWarnings("unchecked")
    private void giveBack(@Nullable T value) {
        if (subscription instanceof AwaitedSubscription<?> awaited) {
            ((AwaitedSubscription<T>) awaited).giveBack(value);
        } else {
            Operators.onDiscard(value, currentContext());
        }
    }

    @Override
    boolean requestCancel(@Nullable String message, @Nullable CancelAll among) {
        Subscription subscription = this.subscription;
        if (subscription instanceof AwaitedSubscription<?> awaited) {
            try {
                return state == SUSPENDED
                        && (awaited instanceof OwnerSubscriber<?> owner
                                ? owner.requestCancel(message, among)
                                : awaited.requestCancel(message));
            } catch (RuntimeException e) {
                Operators.onErrorDropped(e, currentContext()); // a source that throws when asked is disposed of
            }
        }
        if (state == SUSPENDED) {
            cancelMessage = message;
            cancelled = true;
            withhold(); // before the state changes, or a value that comes in between would be lost
        }
        lastMessage = message;
        if (!STATE.compareAndSet(this, SUSPENDED, CANCELLING)) {
            return state == CANCELLING || state == DISPOSED;
        }
        resume(); // dispose of it there: that code must not see the ThreadLocals of the thread that cancels
        return true;
    }

    /** Tells the source, if it is one of ours that can keep its value, not to send it into operators in between. */
    private void withhold() {
        try {
            Object at = subscription;
            while (at instanceof Scannable scannable && !(at instanceof KeepingSubscription)) {
                at = scannable.scanUnsafe(Attr.PARENT);
            }
            if (at instanceof KeepingSubscription source && leadsHereOnly(at)) {
                source.withhold(this::isBeingCancelled);
            }
        } catch (RuntimeException e) { // from an operator: give up
            Operators.onErrorDropped(e, currentContext());
        }
    }

    /**
     * Returns whether the source works for this task alone: work started by {@code share()} or similar must not be
     * withheld.
     */
    private boolean leadsHereOnly(Object source) {
        Object subscriber = source instanceof Scannable scannable ? scannable.scanUnsafe(Attr.ACTUAL) : null;
        return subscriber instanceof CoreSubscriber<?> first && UnderWay.link(first, this) != null;
    }

    private boolean isBeingCancelled() {
        int state = this.state;
        return state > SUSPENDED && state != ENDED && task.cancelling() > 0;
    }

    @Override
    @Nullable Task<?> awaitedTask() {
        return state == SUSPENDED && subscription instanceof OwnerSubscriber<?> owner ? owner.task() : null;
    }

    @Override
    @Nullable Future<?> awaitedFuture() {
        return subscription instanceof OwnerSubscriber<?> owner ? owner.work() : null;
    }

    /** Returns whether the Mono has been disposed of, or will be when the task resumes. */
    boolean isCutOff() {
        int state = this.state;
        return state == CANCELLING || state == DISPOSED;
    }

    /** Disposing of a foreign Mono runs its hooks. */
    @Override
    protected boolean isInternal() {
        return super.isInternal() && (task.hasBody() || !cancelled);
    }

    @Override
    void abandon() {
        if (STATE.compareAndSet(this, SUSPENDED, DISPOSED) || STATE.compareAndSet(this, CANCELLING, DISPOSED)) {
            ERROR.compareAndSet(this, null, TOO_LATE);
            cancelUpstream();
        } else {
            giveBackOnce(); // the task will not resume
        }
    }

    private void cancelUpstream() {
        Subscription subscription = this.subscription;
        if (subscription != null) {
            try {
                subscription.cancel();
            } catch (RuntimeException e) {
                Operators.onErrorDropped(e, currentContext());
            }
        }
        giveBackValue(); // onNext had come, onComplete will not
    }

    @Override
    Object awaited() {
        return mono;
    }

    @Override
    public Context currentContext() {
        return task.cleanups().context();
    }

    @Override
    public void onSubscribe(Subscription s) {
        if (Operators.validate(subscription, s)) {
            subscription = s;
            if (state == DISPOSED) {
                s.cancel(); // the source was late, and the task has not waited for it
            } else {
                s.request(Long.MAX_VALUE);
            }
        }
    }

    @Override
    public void onNext(T value) {
        if (this.value != null || state == ENDED) {
            Operators.onNextDropped(value, currentContext());
            return;
        }
        this.value = value;
        if (state == DISPOSED) {
            giveBackValue(); // cancelled, perhaps since the check above; only one swap gets the value
        }
    }

    @Override
    public void onError(Throwable error) {
        if (state == ENDED || !ERROR.compareAndSet(this, null, error)) {
            Operators.onErrorDropped(error, currentContext());
            return;
        }
        giveBackValue();
        end();
    }

    @Override
    public void onComplete() {
        end();
    }

    private void end() {
        for (; ; ) {
            int before = state;
            if (before > CANCELLING) {
                return; // just disposed of on another thread
            }
            if (before == CANCELLING) {
                endedWhileCancelling = true; // before the state changes
            }
            if (STATE.compareAndSet(this, before, ENDED)) {
                if (before == SUSPENDED) {
                    resumeAtEndOfEntry();
                } // otherwise it was cancelled, and its resumption is on its way
                return;
            }
        }
    }

    /**
     * Resumes the task in the ready-queue entry that brought the end, as a direct await of the source would; or in its
     * own entry if the running entry is unrelated.
     */
    private void resumeAtEndOfEntry() {
        LoopCore core = task.loop.core;
        Object signalled = core.inEventLoop() ? core.signalled() : null;
        if (!(signalled instanceof CoreSubscriber<?> subscriber)
                || UnderWay.link(subscriber, this) == null
                || !core.enqueueNext(this)) {
            resume();
        }
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return subscription;
        }
        if (key == Attr.ACTUAL) {
            return task;
        }
        if (key == Attr.TERMINATED) {
            return state == ENDED;
        }
        if (key == Attr.CANCELLED) {
            return state == CANCELLING || state == DISPOSED;
        }
        if (key == Attr.ERROR) {
            return error instanceof Throwable failure ? failure : null;
        }
        if (key == Attr.RUN_STYLE) {
            return Attr.RunStyle.ASYNC;
        }
        return null;
    }
}
