package asyncio.queue;

import asyncio.AttemptSubscription;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#put}. */
final class MonoPut<T> extends ColdMono<Void> {
    private final QueueCore<T> core;
    private final T item;
    private final @Nullable Duration limit;

    MonoPut(QueueCore<T> core, T item, @Nullable Duration limit) {
        super(MonoPut.class);
        this.core = core;
        this.item = item;
        this.limit = limit;
    }

    @Override
    protected @Nullable Void awaitInBody() throws Exception {
        return !core.isRendezvous() && core.put(item, null) ? null : super.awaitInBody();
    }

    @Override
    protected void start(CoreSubscriber<? super Void> actual) {
        EventLoop loop = EventLoop.runningOrNull();
        boolean waits = Suspension.isAwait(actual) || core.isRendezvous() || loop != null && core.looksFull();
        actual.onSubscribe(waits ? putter(actual, loop) : new PutAttempt<>(this, actual));
    }

    @Override
    protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
        return putter(actual, EventLoop.runningOrNull());
    }

    private Putter<T> putter(CoreSubscriber<? super Void> actual, @Nullable EventLoop loop) {
        return new Putter<>(core, item, actual, limit, loop);
    }

    private static final class PutAttempt<T> extends AttemptSubscription<Void> {
        private final MonoPut<T> put;

        PutAttempt(MonoPut<T> put, CoreSubscriber<? super Void> actual) {
            super(actual);
            this.put = put;
        }

        @Override
        protected boolean succeeds() {
            boolean entered;
            try {
                entered = put.core.put(put.item, this);
            } catch (RuntimeException | Error e) { // shut down, or from a comparator
                actual().onError(e);
                return true;
            }
            if (entered) {
                actual().onComplete();
            }
            return entered;
        }

        @Override
        protected Suspension<Void> suspend(@Nullable EventLoop loop) {
            return put.putter(actual(), loop);
        }

        @Override
        public String toString() {
            return "<" + Log.text(actual()) + " waiting for room in " + put.core.describe() + ">";
        }
    }

    @Override
    public String toString() {
        return "put(" + Log.text(item) + ") into " + core.describe();
    }
}
