package asyncio;

import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** A coroutine object of this library with more than one value; compare {@link ColdMono}. */
abstract class ColdFlux<T> extends Flux<T> implements Scannable {
    private LeakDetector.@Nullable Leak neverAwaited;

    /** @param what a class with the name of the function that returns this */
    ColdFlux(Class<?> what) {
        EventLoop loop = EventLoop.runningOrNull();
        neverAwaited = LeakDetector.trackCoroutine(this, what, EventLoop.leaksOf(loop), EventLoop.debugs(loop));
    }

    /** Takes over the duty to run it, so that it is not reported. For any Publisher. */
    static void adopt(Publisher<?> publisher) {
        if (publisher instanceof ColdFlux<?> own) {
            own.adopt();
        } else if (publisher instanceof ColdMono<?> own) {
            own.adopt();
        }
    }

    private void adopt() {
        LeakDetector.Leak leak = neverAwaited;
        if (leak != null) {
            neverAwaited = null;
            leak.close();
        }
    }

    @Override
    public final void subscribe(CoreSubscriber<? super T> actual) {
        adopt();
        start(actual);
    }

    abstract void start(CoreSubscriber<? super T> actual);

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }
}
