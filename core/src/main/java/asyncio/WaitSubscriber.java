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
 * cancellation. A value is the task's only once it has resumed; if it was cancelled in between, the value goes back to
 * where it came from.
 */
final class WaitSubscriber<T> extends Wait implements CoreSubscriber<T>, Scannable {
    private static final VarHandle STATE;
    private static final VarHandle VALUE;
    private static final VarHandle ERROR;
    /** In {@link #error}: nobody will look there any more. */
    private static final Object TOO_LATE = new Object();

    /** The Mono has not ended, the task is still subscribing: an end now needs no resumption. */
    private static final int SUBSCRIBING = 0;
    /** The Mono has not ended, the task is suspended. */
    private static final int SUSPENDED = 1;

    /** The task was cancelled, and will dispose of the Mono when it resumes, unless that ends before. */
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
    /** Taken with an atomic swap by the one who uses it or gives it back. */
    private volatile @Nullable Object value;

    /** May also come between the task's cancellation and its resumption, which takes it out. */
    private volatile @Nullable Object error;

    /** Whether, and with what, it was cancelled before the Mono had ended; written before the state. */
    private volatile boolean cancelled;

    /** The Mono ended after that; if it ended before, whoever cancels finds that out and leaves a request. */
    private boolean endedWhileCancelling;

    /** The first, which the Mono is disposed with; and the last, which comes after an end. */
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

    /** Subscribes; true if the task must suspend, false if the Mono has ended already. */
    @SuppressWarnings("unchecked")
    boolean subscribe() {
        // through Publisher's method, not CoreSubscriber's: that one skips Reactor's assembly hooks
        ((Mono<T>) mono).subscribe((Subscriber<T>) this);
        return STATE.compareAndSet(this, SUBSCRIBING, SUSPENDED);
    }

    /**
     * The outcome, for the task that has resumed or was never suspended.
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
        if (request != null) {
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

    /** With the error that the Mono ended with all the same, before it could be disposed of. */
    private CancelledException cancelled() {
        CancelledException cancelled = CancelledException.of(task.loop, cancelMessage);
        if (ERROR.getAndSet(this, TOO_LATE) instanceof Throwable late) {
            carry(cancelled, late);
        }
        return cancelled;
    }

    /** A cancellation replaces what the Mono ended with; of another cancellation it takes what hangs on that. */
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
     * The task resumes: what has not ended is disposed of; what has ended all the same, between the cancellation and
     * now, has the value, and the cancellation is the next thing that the task hears of, unless it was taken back.
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

    /** Whether the Mono ended with an error. */
    boolean failed() {
        return error != null;
    }

    @SuppressWarnings("unchecked")
    private @Nullable T takeValue() {
        return (T) VALUE.getAndSet(this, null);
    }

    /** If the Mono has ended normally: the task is cancelled, and will not use what came of it. */
    void giveBackOnce() {
        if (state == ENDED && error == null && !givenBack) {
            givenBack = true;
            giveBack();
        }
    }

    /** The Mono has ended normally, and nobody will use what came of it. */
    private void giveBack() {
        giveBack(takeValue());
    }

    /** Gives back a value that came without an end. */
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
                Operators.onErrorDropped(e, currentContext()); // a source that cannot be asked is disposed of
            }
        }
        if (state == SUSPENDED) {
            cancelMessage = message;
            cancelled = true;
            withhold(); // before the state tells, or what comes in between would be lost
        }
        lastMessage = message;
        if (!STATE.compareAndSet(this, SUSPENDED, CANCELLING)) {
            return state == CANCELLING || state == DISPOSED;
        }
        resume(); // and there dispose of it: what runs then must not see the ThreadLocals of the one who cancels
        return true;
    }

    /**
     * Nothing is to leave the source, if that is one of ours that can keep it, and go into operators that are in its
     * way.
     */
    private void withhold() {
        try {
            Object at = subscription;
            while (at instanceof Scannable scannable && !(at instanceof KeepingSubscription)) {
                at = scannable.scanUnsafe(Attr.PARENT);
            }
            if (at instanceof KeepingSubscription source && leadsHereOnly(at)) {
                source.withhold(this::isBeingCancelled);
            }
        } catch (RuntimeException e) { // an operator's: then that is all
            Operators.onErrorDropped(e, currentContext());
        }
    }

    /** Whether the source works for this task alone: what {@code share()} and its like have begun is not to be kept. */
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

    /** Whether the Mono has been disposed of, or will be when the task resumes. */
    boolean isCutOff() {
        int state = this.state;
        return state == CANCELLING || state == DISPOSED;
    }

    /** Disposing of another's Mono runs its hooks. */
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
        giveBackValue(); // onNext had come, onComplete never will
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
                s.cancel(); // the source took its time, the task did not wait for it
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
            giveBackValue(); // cancelled, perhaps between the two lines above; the swap lets one of the two have it
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
                return; // disposed a moment ago, on another thread
            }
            if (before == CANCELLING) {
                endedWhileCancelling = true; // before the state tells
            }
            if (STATE.compareAndSet(this, before, ENDED)) {
                if (before == SUSPENDED) {
                    resumeAtEndOfEntry();
                } // if it was cancelled, its resumption is on its way
                return;
            }
        }
    }

    /**
     * In the entry of the ready queue that has brought the end, as an await of its source would have it; or in an entry
     * of its own, if what runs is something else's.
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
