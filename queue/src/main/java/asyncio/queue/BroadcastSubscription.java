package asyncio.queue;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * One subscriber's buffer of a {@link Broadcast}, to get from as from a {@link Queue}: {@link Broadcast#subscribe}.
 * Threading, order and cancelling are those of the broadcast. Several may get from one subscription, each item goes to
 * one of them then.
 *
 * @param <T> the type of the items
 * @since 0.1.0
 */
public final class BroadcastSubscription<T> implements AutoCloseable, Scannable {
    private final BroadcastCore<T> core;
    private final SubscriberBuffer<T> buffer;

    BroadcastSubscription(BroadcastCore<T> core, SubscriberBuffer<T> buffer) {
        this.core = core;
        this.buffer = buffer;
    }

    /**
     * Takes the next item, when there is one. Nothing happens until subscription. Cancelling it takes nothing.
     *
     * <p>Fails, when the buffer is empty, with {@link QueueShutDownException} if the broadcast or this is closed, with
     * {@link SlowSubscriberException} if it was disconnected.
     */
    public Mono<T> get() {
        return new Get(null, false);
    }

    /**
     * As {@link #get()}, but fails with {@link java.util.concurrent.TimeoutException} if there was no item within
     * {@code limit}; nothing was taken then.
     */
    public Mono<T> get(Duration limit) {
        return new Get(Objects.requireNonNull(limit, "limit"), false);
    }

    /** As {@link #get()}, but completes empty when the broadcast or this is closed, and the buffer empty. */
    public Mono<T> next() {
        return new Get(null, true);
    }

    /**
     * Takes the next item, if there is one.
     *
     * @return null if there is none
     * @throws QueueShutDownException if there is none and will not be
     * @throws SlowSubscriberException if there is none, and it was disconnected
     */
    public @Nullable T tryGet() {
        return core.poll(buffer);
    }

    /**
     * The items as a Flux, which takes one for each that was requested. Completes when {@link #next()} does. Cancelling
     * it does not close this subscription; see {@link Broadcast#asFlux} for that.
     */
    public Flux<T> asFlux() {
        return next().repeat(() -> !core.isOver(buffer));
    }

    /** Returns the number of items in the buffer. */
    public int size() {
        return core.size(buffer);
    }

    /** Returns the number of items that it has missed, since its buffer was full. */
    public long missed() {
        return core.missed(buffer);
    }

    /**
     * Leaves the broadcast: what is in the buffer is dropped, and senders wait for it no longer. Getters that wait
     * fail, or end empty. Calling it again changes nothing.
     */
    @Override
    public void close() {
        core.unsubscribe(buffer);
    }

    /** {@code <BroadcastSubscription capacity=16 size=3 DROP_OLDEST missed=2>}. */
    @Override
    public String toString() {
        return core.describe(buffer);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.BUFFERED) {
            return size();
        }
        return key == Attr.NAME ? toString() : null;
    }

    private final class Get extends ColdMono<T> {
        private final @Nullable Duration limit;
        private final boolean emptyAtEnd;

        /** For the report of one that was never awaited. */
        private static final class Next {}

        Get(@Nullable Duration limit, boolean emptyAtEnd) {
            super(emptyAtEnd ? Next.class : Get.class);
            this.limit = limit;
            this.emptyAtEnd = emptyAtEnd;
        }

        @Override
        protected void start(CoreSubscriber<? super T> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<T> suspend(CoreSubscriber<? super T> actual) {
            return new BufferGetter<>(buffer, actual, limit, emptyAtEnd, EventLoop.runningOrNull());
        }

        @Override
        public String toString() {
            return (emptyAtEnd ? "next() of " : "get() of ") + BroadcastSubscription.this;
        }
    }
}
