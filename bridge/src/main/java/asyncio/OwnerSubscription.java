package asyncio;

import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;
import reactor.util.context.Context;

/** The subscription of the one for whom a task was started: cancelling it cancels the task, and then the subscriber hears nothing more. */
final class OwnerSubscription<T> implements Subscription, CoreSubscriber<T> {
    private final Future<T> work;
    private final CoreSubscriber<? super T> actual;
    private final FutureSubscription<T> outcome;

    OwnerSubscription(Future<T> work, CoreSubscriber<? super T> actual) {
        this.work = work;
        this.actual = actual;
        this.outcome = new FutureSubscription<>(work, this);
    }

    @Override
    public void request(long n) {
        outcome.request(n);
    }

    @Override
    public void cancel() {
        if (outcome.detach()) {
            work.cancel();
            // a task may be done already, may refuse, or fail while cleaning up: then its outcome is nobody's
            work.addDoneCallback(this::drop, actual.currentContext());
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
