package asyncio.sync;

import asyncio.AwaitedSubscription;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;

/** A subscriber off every loop that records its signals. */
final class Probe<T> implements CoreSubscriber<T> {
    private @Nullable Subscription subscription;
    volatile @Nullable T value;
    volatile @Nullable Throwable error;
    private final AtomicInteger ends = new AtomicInteger();

    @Override
    public void onSubscribe(Subscription s) {
        subscription = s;
        s.request(1);
    }

    @Override
    public void onNext(T value) {
        this.value = value;
    }

    @Override
    public void onError(Throwable error) {
        this.error = error;
        ends.incrementAndGet();
    }

    @Override
    public void onComplete() {
        ends.incrementAndGet();
    }

    void cancel() {
        if (subscription != null) {
            subscription.cancel();
        }
    }

    /** Ends the acquisition like a deadline, or like the cancellation of a task. */
    boolean end() {
        return subscription instanceof AwaitedSubscription<?> awaited && awaited.requestCancel(null);
    }

    int ends() {
        return ends.get();
    }

    /** 1 for a value or an empty end, -1 for an error, 0 for nothing. */
    int outcome() {
        return error != null ? -1 : value != null || ends() > 0 ? 1 : 0;
    }

    /** Like {@link #outcome}, for a permit, which it releases. */
    static int release(Probe<Permit> probe) {
        Permit permit = probe.value;
        if (permit != null) {
            permit.release();
        }
        return probe.outcome();
    }
}
