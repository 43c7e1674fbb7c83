package asyncio;

import asyncio.internal.loop.LoopCore;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The subscription of the owner of some work: the work starts with the first request, and cancelling the subscription
 * cancels it, after which the subscriber gets no more signals. A task that awaits the work directly only requests that
 * it end, and gets its outcome, as if it had awaited the work inline.
 */
final class OwnerSubscriber<T> extends UnderWay implements AwaitedSubscription<T>, CoreSubscriber<T>, Scannable {
    private static final VarHandle WORK;
    private static final Object STARTING = new Object();
    private static final Object OVER = new Object();

    static {
        try {
            WORK = MethodHandles.lookup().findVarHandle(OwnerSubscriber.class, "work", Object.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Supplier<? extends Future<T>> starter;
    private final CoreSubscriber<? super T> actual;
    /** Null until the request, and if no task waits for clean-ups. */
    private @Nullable Cleanups cleanups;
    /**
     * Null until the first request, then {@link #STARTING}, then the {@link Outcome}; {@link #OVER} from the
     * cancellation on.
     */
    private volatile @Nullable Object work;

    OwnerSubscriber(CoreSubscriber<? super T> actual, Supplier<? extends Future<T>> starter) {
        this.starter = starter;
        this.actual = actual;
    }

    @Override
    CoreSubscriber<?> subscriber() {
        return actual;
    }

    @Override
    boolean isForeign(LoopCore loop) {
        return ForeignWork.is(this, loop);
    }

    @Override
    public void request(long n) {
        if (!Operators.validate(n) || work != null) {
            return;
        }
        cleanups = Cleanups.of(actual.currentContext());
        if (!WORK.compareAndSet(this, null, STARTING)) {
            return;
        }
        if (cleanups != null) {
            cleanups.enter(this);
        }
        Future<T> started;
        try {
            started = starter.get();
        } catch (RuntimeException e) {
            leave();
            if (WORK.getAndSet(this, OVER) != OVER) {
                actual.onError(e);
            } else {
                Operators.onErrorDropped(e, actual.currentContext());
            }
            return;
        } catch (Error e) {
            leave(); // there is no work to wait for
            work = OVER;
            throw e;
        }
        Outcome<T> outcome = new Outcome<>(started, new FutureSubscription<>(started, this));
        if (WORK.compareAndSet(this, STARTING, outcome)) {
            outcome.subscription.request(Long.MAX_VALUE);
        } else {
            cancel(outcome); // it was cancelled while starting
        }
    }

    private record Outcome<T>(Future<T> work, FutureSubscription<T> subscription) {}

    @Override
    @SuppressWarnings("unchecked")
    public void cancel() {
        for (Object before; (before = work) != OVER; ) {
            if (before != null && cleanups != null) {
                cleanups.await(this); // before others see OVER and believe that no work is left
            }
            if (WORK.compareAndSet(this, before, OVER)) {
                if (before instanceof Outcome<?> outcome) {
                    cancel((Outcome<T>) outcome);
                } // otherwise the thread in request() cancels it once it has started
                return;
            }
        }
    }

    private void leave() {
        if (cleanups != null && stage != Stage.OVER) {
            cleanups.leave(this);
        }
    }

    @Override
    public boolean requestCancel(@Nullable String message) {
        return requestCancel(message, null);
    }

    boolean requestCancel(@Nullable String message, @Nullable CancelAll among) {
        return work instanceof Outcome<?> outcome && outcome.work.cancel(message, among);
    }

    /** Returns the work, if it has been started. */
    @Nullable Future<?> work() {
        return work instanceof Outcome<?> outcome ? outcome.work : null;
    }

    /** Returns the work, if it is a task that has been started. */
    @Nullable Task<?> task() {
        return work instanceof Outcome<?> outcome && outcome.work instanceof Task<?> task ? task : null;
    }

    @Override
    public void giveBack(@Nullable T value) {
        Operators.onDiscard(value, actual.currentContext());
    }

    private void cancel(Outcome<T> outcome) {
        if (!outcome.subscription.detach()) {
            return; // it had ended: the thread that signals the end tells the clean-ups
        }
        Future<T> work = outcome.work;
        work.cancel("The subscription was cancelled");
        leaveAfter(work);
        // a task may already be done, may refuse, or may fail while cleaning up: its outcome then has no receiver
        work.addDoneCallback(this::drop, actual.currentContext());
    }

    /**
     * Leaves when the work and everything cancelled with it have ended, since a cancelled gather ends with the first of
     * its parts.
     */
    private void leaveAfter(Future<T> work) {
        if (cleanups == null) {
            return;
        }
        Collection<? extends Future<?>> parts = work.cancelsItsParts() ? work.parts() : List.of();
        AtomicInteger running = new AtomicInteger(1 + parts.size());
        Runnable ended = () -> {
            if (running.decrementAndGet() == 0) {
                leave();
            }
        };
        Cleanups.afterwards(work, cleanups, ended);
        parts.forEach(part -> Cleanups.afterwards(part, cleanups, ended));
    }

    private void drop(Future<T> work) {
        if (work.cancelled()) {
            return;
        }
        Throwable error = work.exception();
        if (error != null) {
            Operators.onErrorDropped(error, actual.currentContext());
        } else {
            Operators.onDiscard(work.resultOrNull(), actual.currentContext());
        }
    }

    @Override
    public void onSubscribe(Subscription s) {
        throw new UnsupportedOperationException("made with its subscription");
    }

    @Override
    public void onNext(T value) {
        leave();
        actual.onNext(value);
    }

    @Override
    public void onError(Throwable error) {
        leave();
        actual.onError(error);
    }

    @Override
    public void onComplete() {
        leave();
        actual.onComplete();
    }

    @Override
    public Context currentContext() {
        return actual.currentContext();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return work instanceof Outcome<?> outcome ? outcome.work : null;
        }
        if (key == Attr.ACTUAL) {
            return actual;
        }
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }
}
