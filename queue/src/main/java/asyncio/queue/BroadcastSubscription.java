package asyncio.queue;

import asyncio.AttemptSubscription;
import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A subscription of a {@link Broadcast}, with a buffer to get items from as from a {@link Queue}; see
 * {@link Broadcast#subscribe}. Threading, order and cancelling are those of the broadcast. Several getters may share a
 * subscription; each item then goes to one of them.
 *
 * <pre>{@code
 * Broadcast<String> news = new Broadcast<>();
 * try (BroadcastSubscription<String> mine = news.subscribe(64)) {
 *     for (String line; (line = await(mine.next())) != null; ) { // null: the broadcast has ended
 *         System.out.println(line);
 *     }
 * }
 * }</pre>
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
     * Takes the next item as soon as there is one. Nothing happens until subscription. Cancelling it takes nothing.
     *
     * <p>If the buffer is empty, fails with {@link QueueShutDownException} if the broadcast or this subscription is
     * closed, and with {@link SlowSubscriberException} if it was disconnected.
     */
    public Mono<T> get() {
        return new Get(null, false);
    }

    /**
     * Like {@link #get()}, but fails with {@link java.util.concurrent.TimeoutException} if there is no item within
     * {@code limit}; nothing is taken then.
     */
    public Mono<T> get(Duration limit) {
        return new Get(Objects.requireNonNull(limit, "limit"), false);
    }

    /**
     * Like {@link #get()}, but completes empty when the broadcast or this subscription is closed and the buffer is
     * empty.
     */
    public Mono<T> next() {
        return new Get(null, true);
    }

    /**
     * Takes the next item if there is one.
     *
     * @return null if there is none
     * @throws QueueShutDownException if there is none and never will be
     * @throws SlowSubscriberException if there is none and the subscription was disconnected
     */
    public @Nullable T tryGet() {
        return core.poll(buffer, true, null);
    }

    /**
     * Returns the items as a Flux, which takes those that are there, up to 64 at a time, as far as they were requested.
     * Completes when {@link #next()} completes empty. Cancelling it does not close this subscription (see
     * {@link Broadcast#asFlux} for that): items that it took and has not emitted return to the head of the buffer.
     */
    public Flux<T> asFlux() {
        return new FluxQueue<>(new BufferOutlet<>(core, buffer));
    }

    /** Returns the number of items in the buffer. */
    public int size() {
        return core.size(buffer);
    }

    /** Returns the number of items missed because the buffer was full. */
    public long missed() {
        return core.missed(buffer);
    }

    /**
     * Leaves the broadcast: the items in the buffer are dropped, and senders no longer wait for it. Waiting getters
     * fail, or complete empty. Calling it again changes nothing.
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

        /** Names {@code next()} in the report of a Mono that was never awaited. */
        private static final class Next {}

        Get(@Nullable Duration limit, boolean emptyAtEnd) {
            super(emptyAtEnd ? Next.class : Get.class);
            this.limit = limit;
            this.emptyAtEnd = emptyAtEnd;
        }

        @Override
        protected @Nullable T awaitInBody() throws Exception {
            T item = core.poll(buffer, false, null);
            return item != null ? item : super.awaitInBody();
        }

        @Override
        protected void start(CoreSubscriber<? super T> actual) {
            EventLoop loop = EventLoop.runningOrNull();
            boolean waits = Suspension.isAwait(actual) || loop != null && buffer.looksEmpty();
            actual.onSubscribe(waits ? getter(actual, loop) : new GetAttempt(actual));
        }

        @Override
        protected Suspension<T> suspend(CoreSubscriber<? super T> actual) {
            return getter(actual, EventLoop.runningOrNull());
        }

        private BufferGetter<T> getter(CoreSubscriber<? super T> actual, @Nullable EventLoop loop) {
            return new BufferGetter<>(buffer, actual, limit, emptyAtEnd, loop);
        }

        private final class GetAttempt extends AttemptSubscription<T> {
            GetAttempt(CoreSubscriber<? super T> actual) {
                super(actual);
            }

            @Override
            protected boolean succeeds() {
                T item = core.poll(buffer, false, this);
                if (item == null) {
                    return false;
                }
                actual().onNext(item);
                actual().onComplete();
                return true;
            }

            @Override
            protected Suspension<T> suspend(@Nullable EventLoop loop) {
                return getter(actual(), loop);
            }

            @Override
            public String toString() {
                return "<" + Log.text(actual()) + " waiting for an item of " + core.describe(buffer) + ">";
            }
        }

        @Override
        public String toString() {
            return (emptyAtEnd ? "next() of " : "get() of ") + BroadcastSubscription.this;
        }
    }
}
