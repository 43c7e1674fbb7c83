package asyncio;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A coroutine object of this library: cold, reusable, and reported if it was made on a loop and never subscribed to
 * ("coroutine was never awaited"). For authors of sources: the return value of a function that suspends.
 *
 * @param <T> the type of the value
 */
public abstract class ColdMono<T> extends Mono<T> implements Scannable {
    private LeakDetector.@Nullable Leak neverAwaited;

    /** @param what a class with the name of the function, except for the upper-case first letter; for the report */
    @SuppressWarnings("this-escape") // only to the leak detector, which waits for it to be collected
    protected ColdMono(Object what) {
        EventLoop loop = EventLoop.runningOrNull();
        neverAwaited = LeakDetector.trackCoroutine(this, what, EventLoop.leaksOf(loop), EventLoop.debugs(loop));
    }

    /** Like {@link #adopt()} for any Mono. */
    static void adopt(Mono<?> mono) {
        if (mono instanceof ColdMono<?> own) {
            own.adopt();
        } else if (mono instanceof TrackedOperator operator) {
            operator.subscribed();
        }
    }

    /** Calls {@link #adopt()} on a ColdMono, and returns whether it is one. */
    static boolean adoptIfOwn(Publisher<?> publisher) {
        if (publisher instanceof ColdMono<?> own) {
            own.adopt();
            return true;
        }
        return false;
    }

    /** Takes over the duty to run it, or the decision not to, so that it is not reported. */
    final void adopt() {
        LeakDetector.Leak leak = neverAwaited;
        if (leak != null) {
            neverAwaited = null;
            leak.close();
        }
    }

    /** Returns a task for this that has not started. */
    Task<T> newTask(EventLoop loop, @Nullable String name, Context context) {
        return new MonoTask<>(loop, this, name, context);
    }

    /** Returns the value to a body that awaits this directly; on the body's thread. */
    @Nullable T awaitedBy(BodyTask<?> body) throws Exception {
        adopt();
        return awaitInBody();
    }

    /**
     * Returns the value to a body that awaits this directly, instead of subscribing; on the body's thread. May await.
     * Override it where a body needs less than a subscription: the value is already there, or the work can be written
     * as straight-line code.
     */
    protected @Nullable T awaitInBody() throws Exception {
        BodyTask<?> body = BodyTask.current(EventLoop.getRunningLoop());
        Suspension<? extends T> suspension = suspend(body.subscriber());
        return suspension == null ? body.awaitMono(this) : body.awaitSuspension(this, suspension);
    }

    /**
     * Returns a new suspension for a body that awaits this directly: the body waits on it without a subscription in
     * between. Override it where {@link #start} passes a {@link Suspension} to {@code onSubscribe}; with null, the
     * default, the body subscribes.
     *
     * @param actual the body, for the constructor; it must not be signalled
     */
    protected @Nullable Suspension<? extends T> suspend(CoreSubscriber<? super T> actual) {
        return null;
    }

    @Override
    public final void subscribe(CoreSubscriber<? super T> actual) {
        adopt();
        start(actual);
    }

    /** Subscribes: calls {@code onSubscribe} and does nothing else before the first request. */
    protected abstract void start(CoreSubscriber<? super T> actual);

    /** Blocks, unless the thread runs a loop. Prefer {@link Asyncio#await}. */
    @Override
    public @Nullable T block() {
        adopt();
        Misuse.checkMayBlock();
        return super.block();
    }

    /** Blocks for at most {@code timeout}, unless the thread runs a loop. Prefer {@link Asyncio#await}. */
    @Override
    public @Nullable T block(Duration timeout) {
        adopt();
        Misuse.checkMayBlock();
        return super.block(timeout);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }
}
