package asyncio;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/**
 * The subscription of the one for whom work is done: the work starts with the first request, and cancelling cancels it,
 * after which the subscriber hears nothing more. A task that awaits the work directly only asks it to end, and gets
 * what comes of it, as if it had awaited it inline.
 */
final class OwnerSubscription<T> implements AwaitedSubscription<T>, CoreSubscriber<T> {
    private static final Object STARTING = new Object();
    private static final Object OVER = new Object();

    private final Supplier<? extends Future<T>> starter;
    private final CoreSubscriber<? super T> actual;
    /**
     * Null until the first request, then {@link #STARTING}, then the {@link Outcome}; {@link #OVER} from the
     * cancellation on.
     */
    private final AtomicReference<@Nullable Object> work = new AtomicReference<>();

    OwnerSubscription(CoreSubscriber<? super T> actual, Supplier<? extends Future<T>> starter) {
        this.starter = starter;
        this.actual = actual;
    }

    @Override
    public void request(long n) {
        if (!Operators.validate(n) || !work.compareAndSet(null, STARTING)) {
            return;
        }
        Future<T> started;
        try {
            started = starter.get();
        } catch (RuntimeException e) {
            if (work.getAndSet(OVER) != OVER) {
                actual.onError(e);
            } else {
                endOfStart();
                Operators.onErrorDropped(e, actual.currentContext());
            }
            return;
        }
        Outcome<T> outcome = new Outcome<>(started, new FutureSubscription<>(started, this));
        if (work.compareAndSet(STARTING, outcome)) {
            outcome.subscription.request(Long.MAX_VALUE);
        } else {
            cancel(outcome); // while it was starting
            endOfStart();
        }
    }

    private record Outcome<T>(Future<T> work, FutureSubscription<T> subscription) {}

    @Override
    @SuppressWarnings("unchecked")
    public void cancel() {
        for (Object before; (before = work.get()) != OVER; ) {
            Cleanups cleanups = before == STARTING ? Cleanups.of(actual.currentContext()) : null;
            if (cleanups != null) {
                cleanups.begin(); // the thread that is in request() ends it, when the work can be waited for
            }
            if (work.compareAndSet(before, OVER)) {
                if (before instanceof Outcome<?> outcome) {
                    cancel((Outcome<T>) outcome);
                }
                return;
            }
            if (cleanups != null) {
                cleanups.end();
            }
        }
    }

    /** It was cancelled on another thread while the work was being started. */
    private void endOfStart() {
        Cleanups cleanups = Cleanups.of(actual.currentContext());
        if (cleanups != null) {
            cleanups.end();
        }
    }

    @Override
    public boolean requestCancel(@Nullable String message) {
        return work.get() instanceof Outcome<?> outcome && outcome.work.cancel(message);
    }

    /** The work, if it is a task that has been started. */
    @Nullable Task<?> task() {
        return work.get() instanceof Outcome<?> outcome && outcome.work instanceof Task<?> task ? task : null;
    }

    @Override
    public void giveBack(@Nullable T value) {
        Operators.onDiscard(value, actual.currentContext());
    }

    private void cancel(Outcome<T> outcome) {
        if (outcome.subscription.detach()) {
            outcome.work.cancel("The subscription was cancelled");
            Cleanups cleanups = outcome.work.done() ? null : Cleanups.of(actual.currentContext());
            if (cleanups != null) {
                cleanups.add(outcome.work);
            }
            // a task may be done already, may refuse, or fail while cleaning up: then its outcome is nobody's
            outcome.work.addDoneCallback(this::drop, actual.currentContext());
        }
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
        actual.onNext(value);
    }

    @Override
    public void onError(Throwable error) {
        actual.onError(error);
    }

    @Override
    public void onComplete() {
        actual.onComplete();
    }

    @Override
    public Context currentContext() {
        return actual.currentContext();
    }
}
