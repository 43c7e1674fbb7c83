package asyncio.sync;

import asyncio.AttemptSubscription;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Leftover;
import asyncio.Leftovers;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;

/** The Mono of {@code acquire()}. */
final class MonoAcquire extends ColdMono<Permit> {
    private final PermitSource source;
    private final int permits;
    private final @Nullable Duration limit;
    private final @Nullable Throwable site = Leftovers.site();

    MonoAcquire(PermitSource source, int permits, @Nullable Duration limit) {
        super(MonoAcquire.class);
        this.source = source;
        this.permits = permits;
        this.limit = limit;
    }

    @Override
    protected @Nullable Permit awaitInBody() throws Exception {
        Permit permit = source.take(permits);
        if (permit == null) {
            permit = Objects.requireNonNull(super.awaitInBody());
        }
        if (site != null) {
            watch(permit, () -> true);
        }
        return permit;
    }

    @Override
    protected void start(CoreSubscriber<? super Permit> actual) {
        if (!Suspension.isAwait(actual) && site == null && !source.looksTaken() && !source.watchesNext()) {
            actual.onSubscribe(new Attempt(this, actual));
            return;
        }
        Suspension<HeldPermit> waiter = source.waiter(actual, permits, limit);
        if (site != null && waiter instanceof Permit permit) {
            watch(permit, () -> Boolean.TRUE.equals(waiter.scan(Scannable.Attr.TERMINATED)));
        }
        actual.onSubscribe(waiter);
    }

    /** The acquisition of an operator, which takes a permit that is free. */
    private static final class Attempt extends AttemptSubscription<HeldPermit> {
        private final MonoAcquire acquire;

        Attempt(MonoAcquire acquire, CoreSubscriber<? super HeldPermit> actual) {
            super(actual);
            this.acquire = acquire;
        }

        @Override
        protected boolean succeeds() {
            HeldPermit permit = acquire.source.take(acquire.permits);
            if (permit == null) {
                return false;
            }
            if (claim()) {
                actual().onNext(permit);
                actual().onComplete();
            } else {
                permit.release(); // cancelled meanwhile
            }
            return true;
        }

        @Override
        protected Suspension<HeldPermit> suspend(@Nullable EventLoop loop) {
            return acquire.source.waiter(actual(), acquire.permits, acquire.limit);
        }

        @Override
        public String toString() {
            return "<" + Log.text(actual()) + " waiting for " + acquire.source.awaited(acquire.permits) + ">";
        }
    }

    /** Not watched here: {@link #awaitInBody} does that. */
    @Override
    protected Suspension<HeldPermit> suspend(CoreSubscriber<? super Permit> actual) {
        return source.waiter(actual, permits, limit);
    }

    /**
     * Watches the permit for the report of leftovers. After a release without a permit, no unreleased permit is
     * reported, since that may have been its release.
     */
    private void watch(Permit permit, BooleanSupplier acquired) {
        Leftovers.watch(
                Leftover.Kind.PERMIT,
                permit,
                () -> acquired.getAsBoolean() && !permit.isReleased() && !source.releasedByHand(),
                site);
    }

    @Override
    public String toString() {
        return "acquire(" + (permits == 1 ? "" : permits) + ") of " + source;
    }
}
