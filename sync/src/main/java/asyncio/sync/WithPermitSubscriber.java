package asyncio.sync;

import asyncio.Cleanups;
import asyncio.Suppressed;
import asyncio.Suspension;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Fuseable;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * Runs work while holding a permit: acquires it at the first request, then subscribes to the work, and releases the
 * permit when that has ended or, if it is cancelled, when it and its clean-up have ended.
 */
final class WithPermitSubscriber<T> extends Operators.DeferredSubscription implements CoreSubscriber<T>, Scannable {
    private static final AtomicIntegerFieldUpdater<WithPermitSubscriber<?>> STATE = updater();
    private static final int SUBSCRIBED = 0;
    private static final int ACQUIRING = 1;
    /** The permit is held, and the work is being subscribed to: it cannot be cancelled in the meantime. */
    private static final int STARTING = 2;

    private static final int RUNNING = 3;
    /** Cancelled while starting: the starting thread releases. */
    private static final int CANCELLED_STARTING = 4;
    /** Cancelled, or failed to start. */
    private static final int OVER = 5;
    /** The work ended while it was being subscribed to, or later. */
    private static final int ENDED = 6;

    /** The work to do, and the source of its permits. */
    interface Plan<T> {
        PermitSource source();

        int permits();

        Publisher<T> work();
    }

    private final Plan<T> plan;
    private final CoreSubscriber<? super T> actual;
    private volatile int state;
    /** The waiter for the permit, then the permit. */
    private @Nullable Object permit;

    private volatile @Nullable Cleanups cleanups;
    /** The subscription to the work, then the error with which the work failed. */
    private volatile @Nullable Object work;

    WithPermitSubscriber(Plan<T> plan, CoreSubscriber<? super T> actual) {
        this.plan = plan;
        this.actual = actual;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static AtomicIntegerFieldUpdater<WithPermitSubscriber<?>> updater() {
        return (AtomicIntegerFieldUpdater) AtomicIntegerFieldUpdater.newUpdater(WithPermitSubscriber.class, "state");
    }

    /** Returns whether the subscriber may be an unknown operator, which may drop the permit. */
    static boolean mayBeDroppedBy(CoreSubscriber<?> subscriber) {
        return !(subscriber instanceof WithPermitSubscriber<?>.Acquired);
    }

    // ---- downstream

    @Override
    public void request(long n) {
        if (state != SUBSCRIBED || !Operators.validate(n)) {
            super.request(n);
            return;
        }
        super.request(n); // kept until the work is subscribed to
        PermitSource source = plan.source();
        HeldPermit free = source.take(plan.permits());
        if (free != null) {
            if (STATE.compareAndSet(this, SUBSCRIBED, STARTING)) {
                start(free);
            } else {
                free.release();
            }
            return;
        }
        Suspension<HeldPermit> acquisition = source.waiter(new Acquired(), plan.permits(), null);
        permit = acquisition;
        if (STATE.compareAndSet(this, SUBSCRIBED, ACQUIRING)) {
            acquisition.request(1);
        }
    }

    /** Receives the permit. */
    private final class Acquired implements CoreSubscriber<HeldPermit>, Scannable {
        @Override
        public void onSubscribe(Subscription s) {
            throw new UnsupportedOperationException("created with its subscription");
        }

        @Override
        public void onNext(HeldPermit permit) {
            if (STATE.compareAndSet(WithPermitSubscriber.this, ACQUIRING, STARTING)) {
                start(permit);
            } else {
                permit.release(); // cancelled in the meantime
            }
        }

        @Override
        public void onError(Throwable error) {
            if (STATE.compareAndSet(WithPermitSubscriber.this, ACQUIRING, OVER)) {
                actual.onError(error);
            } else {
                Operators.onErrorDropped(error, currentContext());
            }
        }

        @Override
        public void onComplete() {
            // the permit was enough
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.ACTUAL ? WithPermitSubscriber.this : null;
        }

        @Override
        public Context currentContext() {
            return actual.currentContext();
        }
    }

    private void start(HeldPermit permit) {
        this.permit = permit;
        Publisher<T> work = plan.work();
        try {
            if (work instanceof Callable<?> immediate) {
                call(immediate);
            } else {
                work.subscribe(this);
            }
        } catch (Throwable e) {
            if (STATE.getAndSet(this, OVER) < OVER) {
                permit.release();
                close();
            }
            throw e;
        }
        if (!STATE.compareAndSet(this, STARTING, RUNNING) && STATE.compareAndSet(this, CANCELLED_STARTING, OVER)) {
            releaseAfterCleanup(permit);
        }
    }

    /** Does work that is a single call, which needs no subscription; as Reactor's {@code flatMap} does. */
    @SuppressWarnings("unchecked")
    private void call(Callable<?> work) {
        Throwable error = null;
        T value = null;
        try {
            value = (T) work.call();
        } catch (Throwable e) {
            error = work instanceof Fuseable.ScalarCallable
                    ? asItWas(e)
                    : Operators.onOperatorError(e, actual.currentContext()); // throws what is fatal
        }
        if (value != null) {
            if (state == STARTING) {
                actual.onNext(value);
            } else { // cancelled meanwhile
                Operators.onDiscard(value, actual.currentContext());
            }
        }
        end(error);
    }

    /** Unwraps the error of work that is one: Reactor wraps those that are not Exceptions, to throw them. */
    private static Throwable asItWas(Throwable e) {
        Throwable inner = Exceptions.unwrap(e);
        return inner instanceof Exception ? e : inner;
    }

    @Override
    public void cancel() {
        for (; ; ) {
            int before = state;
            if (before >= CANCELLED_STARTING) {
                return;
            }
            if (!STATE.compareAndSet(this, before, before == STARTING ? CANCELLED_STARTING : OVER)) {
                continue;
            }
            super.cancel();
            if (before == ACQUIRING && permit instanceof Suspension<?> acquisition) {
                acquisition.cancel();
            } else if (before == RUNNING && permit instanceof HeldPermit held) {
                releaseAfterCleanup(held);
            }
            return;
        }
    }

    /** Releases after the clean-up; the task downstream, if any, does not resume before that either. */
    private void releaseAfterCleanup(Permit permit) {
        Cleanups inner = cleanups;
        if (inner == null) {
            release(permit);
        } else {
            inner.whenOver(() -> {
                release(permit);
                inner.close();
            });
        }
    }

    private void close() {
        Cleanups inner = cleanups;
        if (inner != null) {
            inner.close();
        }
    }

    /** Releases the permit; an exception goes to the hook for dropped errors. */
    private void release(Permit permit) {
        try {
            permit.release();
        } catch (RuntimeException e) {
            Operators.onErrorDropped(e, actual.currentContext());
        }
    }

    // ---- upstream

    @Override
    public void onSubscribe(Subscription s) {
        work = s;
        set(s);
    }

    @Override
    public void onNext(T value) {
        actual.onNext(value);
    }

    @Override
    public void onError(Throwable error) {
        end(error);
    }

    @Override
    public void onComplete() {
        end(null);
    }

    private void end(@Nullable Throwable error) {
        for (int before; (before = state) < CANCELLED_STARTING; ) {
            if (STATE.compareAndSet(this, before, ENDED)) {
                work = error;
                Cleanups inner = cleanups;
                if (inner == null) {
                    releaseAndSignal(error);
                } else {
                    inner.whenOver(() -> releaseAndSignal(error)); // an operator may have disposed of some of the work
                }
                return;
            }
        }
        if (error != null) {
            Operators.onErrorDropped(error, currentContext());
        }
    }

    /** Releases, signals the end, and only then notifies the next waiter, which may run long on this thread. */
    private void releaseAndSignal(@Nullable Throwable error) {
        Turn next = null;
        Throwable outcome = error;
        try {
            next = permit instanceof HeldPermit held ? held.free() : null;
        } catch (RuntimeException e) { // the work has already released this permit
            outcome = error == null ? e : Suppressed.add(error, e);
        }
        try {
            close();
            if (outcome == null) {
                actual.onComplete();
            } else {
                actual.onError(outcome);
            }
        } finally { // the next waiter holds it already, even if the subscriber throws
            if (next != null) {
                next.pass();
            }
        }
    }

    @Override
    public Context currentContext() {
        Cleanups cleanups = this.cleanups;
        if (cleanups == null) {
            synchronized (this) {
                cleanups = this.cleanups;
                if (cleanups == null) {
                    cleanups = Cleanups.within(this, actual);
                    this.cleanups = cleanups;
                }
            }
            if (state >= OVER) {
                cleanups.close(); // called late, by a hook
            }
        }
        return cleanups.context();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.PARENT) {
            return state == ACQUIRING ? permit : work instanceof Subscription ? work : null;
        }
        if (key == Attr.TERMINATED) {
            return state >= OVER;
        }
        if (key == Attr.CANCELLED) {
            return state == OVER || state == CANCELLED_STARTING;
        }
        if (key == Attr.ERROR) {
            return work instanceof Throwable ? work : null;
        }
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }
}
