package asyncio.sync;

import asyncio.Log;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;

/** The Flux of {@code withLock(flux)} and {@code withPermit(flux)}. */
final class FluxWithPermit<T> extends Flux<T> implements WithPermitSubscriber.Plan<T>, Scannable {
    private final PermitSource source;
    private final int permits;
    private final Flux<T> work;

    FluxWithPermit(PermitSource source, int permits, Flux<T> work) {
        this.source = source;
        this.permits = permits;
        this.work = Objects.requireNonNull(work, "work");
    }

    @Override
    public void subscribe(CoreSubscriber<? super T> actual) {
        actual.onSubscribe(new WithPermitSubscriber<>(this, actual));
    }

    @Override
    public PermitSource source() {
        return source;
    }

    @Override
    public int permits() {
        return permits;
    }

    @Override
    public Flux<T> work() {
        return work;
    }

    @Override
    public String toString() {
        return Log.text(work) + " with " + source;
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.PARENT) {
            return work;
        }
        return key == Attr.RUN_STYLE ? Attr.RunStyle.ASYNC : null;
    }
}
