package asyncio.queue;

import asyncio.AttemptSubscription;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;

/** The Mono of {@link Queue#get}. */
final class MonoGet<T> extends ColdMono<T> {
    private final QueueCore<T> core;
    private final @Nullable Duration limit;
    private final boolean emptyAtEnd;

    /** Names {@code next()} in the report of a Mono that was never awaited. */
    private static final class Next {}

    MonoGet(QueueCore<T> core, @Nullable Duration limit, boolean emptyAtEnd) {
        super(emptyAtEnd ? Next.class : MonoGet.class);
        this.core = core;
        this.limit = limit;
        this.emptyAtEnd = emptyAtEnd;
    }

    @Override
    protected @Nullable T awaitInBody() throws Exception {
        T item = core.poll(!emptyAtEnd, null);
        return item != null ? item : super.awaitInBody();
    }

    @Override
    protected void start(CoreSubscriber<? super T> actual) {
        EventLoop loop = EventLoop.runningOrNull();
        boolean waits = Suspension.isAwait(actual) || loop != null && core.looksEmpty();
        actual.onSubscribe(waits ? getter(actual, loop) : new GetAttempt<>(this, actual));
    }

    @Override
    protected Suspension<T> suspend(CoreSubscriber<? super T> actual) {
        return getter(actual, EventLoop.runningOrNull());
    }

    private Getter<T> getter(CoreSubscriber<? super T> actual, @Nullable EventLoop loop) {
        return new Getter<>(core, actual, limit, emptyAtEnd, loop);
    }

    private static final class GetAttempt<T> extends AttemptSubscription<T> {
        private final MonoGet<T> get;

        GetAttempt(MonoGet<T> get, CoreSubscriber<? super T> actual) {
            super(actual);
            this.get = get;
        }

        @Override
        protected boolean succeeds() {
            T item;
            try {
                item = get.core.poll(false, this);
            } catch (RuntimeException | Error e) { // a comparator's
                actual().onError(e);
                return true;
            }
            if (item == null) {
                return false;
            }
            actual().onNext(item);
            actual().onComplete();
            return true;
        }

        @Override
        protected Suspension<T> suspend(@Nullable EventLoop loop) {
            return get.getter(actual(), loop);
        }

        @Override
        public String toString() {
            return "<" + Log.text(actual()) + " waiting for an item of " + get.core.describe() + ">";
        }
    }

    @Override
    public String toString() {
        return (emptyAtEnd ? "next() of " : "get() of ") + core.describe();
    }
}
