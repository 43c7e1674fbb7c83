package asyncio.sync;

import asyncio.Asyncio;
import asyncio.ColdMono;
import asyncio.Log;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/** The Mono of {@code withLock(mono)} and {@code withPermit(mono)}. */
final class MonoWithPermit<T> extends ColdMono<T> implements WithPermitSubscriber.Plan<T> {
    private final PermitSource source;
    private final int permits;
    private final Mono<T> work;

    /** Names of the methods, for reports. */
    private static final class WithLock {}

    private static final class WithPermit {}

    MonoWithPermit(PermitSource source, int permits, Mono<T> work) {
        super(source instanceof Lockable ? WithLock.class : WithPermit.class);
        this.source = source;
        this.permits = permits;
        this.work = Objects.requireNonNull(work, "work");
    }

    /** Runs the work in the body's own task. */
    @Override
    protected @Nullable T awaitInBody() throws Exception {
        Permit permit = source.take(permits);
        if (permit == null) {
            permit = Asyncio.await(source.acquireMono(permits, null));
        }
        try {
            return Asyncio.await(work);
        } finally {
            permit.release();
        }
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
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
    public Mono<T> work() {
        return work;
    }

    @Override
    public String toString() {
        return Log.text(work) + " with " + source;
    }
}
