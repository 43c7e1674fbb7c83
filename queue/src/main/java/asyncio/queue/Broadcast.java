package asyncio.queue;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Gives each item to every subscriber. Each has a bounded buffer of its own, and says what is to happen when that is
 * full: the sender waits for it, or it misses the oldest items, or it is disconnected. Others are not concerned by what
 * one has chosen, but for the sender's wait.
 *
 * <p><b>Order.</b> All subscribers get the items in the same order, whoever sends them. Senders are served first in,
 * first out. An item is in all buffers or in none.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on a loop or off it; none blocks. A waiter on a loop
 * resumes in that loop's next tick, any other on the thread that sends or gets, after that call has changed the
 * broadcast: never under a lock and never by recursion.
 *
 * <p><b>Cancelling.</b> A send that is cancelled, or out of time, has not happened. If a getter is cancelled after
 * receiving an item but before resuming, the item returns to the head of its buffer.
 *
 * <p><b>Errors.</b> After {@link #close} sends fail with {@link QueueShutDownException}. Null is refused with
 * {@link NullPointerException}.
 *
 * <pre>{@code
 * Broadcast<Quote> quotes = new Broadcast<>();
 *
 * Flux<Quote> stream = quotes.asFlux(16, Broadcast.Overflow.DROP_OLDEST);   // reactive
 *
 * try (BroadcastSubscription<Quote> mine = quotes.subscribe(16)) {          // straight-line, in a body
 *     for (Quote quote; (quote = await(mine.next())) != null; ) {
 *         await(show(quote));
 *     }
 * }
 *
 * await(quotes.send(new Quote("ACME")));                                     // waits for the second one, if it is slow
 * }</pre>
 *
 * <p>asyncio has none; Kotlin's {@code SharedFlow}, tokio's {@code broadcast}.
 *
 * @param <T> the type of the items
 * @since 0.1.0
 */
public final class Broadcast<T> implements Scannable {
    /** The action when an item comes for a subscriber whose buffer is full. */
    public enum Overflow {
        /** The sender waits until there is room in the buffer: no item is missed, and the slowest sets the pace. */
        SUSPEND,
        /** The oldest item in the buffer is dropped; {@link BroadcastSubscription#missed()} counts them. */
        DROP_OLDEST,
        /**
         * The subscription ends: what is in its buffer can still be got, then gets fail with
         * {@link SlowSubscriberException}.
         */
        DISCONNECT
    }

    private final BroadcastCore<T> core;

    /** One whose subscribers get what is sent from their subscription on. */
    public Broadcast() {
        this(0);
    }

    /**
     * One whose new subscribers get the last items first: as many of the last {@code replay} as their buffers hold.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public Broadcast(int replay) {
        if (replay < 0) {
            throw new IllegalArgumentException("Cannot replay " + replay + " items: 0 at least");
        }
        core = new BroadcastCore<>(replay);
    }

    // ---- sending

    /**
     * Sends an item to all subscribers there are, as soon as there is room with those of {@link Overflow#SUSPEND}; at
     * once if there is none. Nothing happens until subscription; each subscription sends it once more. Cancelling it
     * before it is over sends it to nobody.
     *
     * <p>Fails with {@link QueueShutDownException} if the broadcast is closed, or is while it waits.
     */
    public Mono<Void> send(T item) {
        return new Send(Objects.requireNonNull(item, "item"), null);
    }

    /**
     * As {@link #send(Object)}, but fails with {@link java.util.concurrent.TimeoutException} if there was no room
     * within {@code limit}; nobody has the item then.
     */
    public Mono<Void> send(T item, Duration limit) {
        return new Send(Objects.requireNonNull(item, "item"), Objects.requireNonNull(limit, "limit"));
    }

    /**
     * Sends an item, if that is possible at once.
     *
     * @return false if there is no room with somebody, or others are waiting to send
     * @throws QueueShutDownException if the broadcast is closed
     */
    public boolean trySend(T item) {
        return core.trySend(Objects.requireNonNull(item, "item"));
    }

    /**
     * Ends it: nothing more is sent, and senders that wait fail with {@link QueueShutDownException}. Subscribers can
     * still get what is in their buffers. Calling it again changes nothing.
     */
    public void close() {
        core.close();
    }

    /** Whether {@link #close} was called. */
    public boolean isClosed() {
        return core.isClosed();
    }

    // ---- subscribing

    /** As {@link #subscribe(int, Overflow)}, with {@link Overflow#SUSPEND}. */
    public BroadcastSubscription<T> subscribe(int capacity) {
        return subscribe(capacity, Overflow.SUSPEND);
    }

    /**
     * Subscribes at once: what is sent from now on is in the subscription's buffer, to be got from it. Close it when it
     * is not needed any more; one that nobody gets from makes senders wait, if that is what it has chosen.
     *
     * @param capacity of the buffer
     * @param overflow what happens when it is full
     * @throws IllegalArgumentException if the capacity is not positive
     */
    public BroadcastSubscription<T> subscribe(int capacity, Overflow overflow) {
        return new BroadcastSubscription<>(core, core.subscribe(checked(capacity), Objects.requireNonNull(overflow)));
    }

    /**
     * A Flux, each subscriber of which subscribes as by {@link #subscribe(int, Overflow)}, gets what it requests, and
     * leaves when it is cancelled. Completes after the last item when the broadcast is closed; fails with
     * {@link SlowSubscriberException} if it is disconnected.
     *
     * @throws IllegalArgumentException if the capacity is not positive
     */
    public Flux<T> asFlux(int capacity, Overflow overflow) {
        checked(capacity);
        Objects.requireNonNull(overflow, "overflow");
        return Flux.using(
                () -> subscribe(capacity, overflow), BroadcastSubscription::asFlux, BroadcastSubscription::close);
    }

    private static int checked(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("A buffer for " + capacity + " items: 1 at least");
        }
        return capacity;
    }

    /** Returns the number of subscriptions. */
    public int subscribers() {
        return core.subscribers();
    }

    // ---- looking at it

    /** {@code <Broadcast subscribers[3] senders[1] closed>}, without what is none. */
    @Override
    public String toString() {
        return core.toString();
    }

    /** The senders that wait. */
    @Override
    public Stream<? extends Scannable> inners() {
        return core.senders().stream();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.TERMINATED) {
            return isClosed();
        }
        return key == Attr.NAME ? toString() : null;
    }

    private final class Send extends ColdMono<Void> {
        private final T item;
        private final @Nullable Duration limit;

        Send(T item, @Nullable Duration limit) {
            super(Send.class);
            this.item = item;
            this.limit = limit;
        }

        @Override
        protected @Nullable Void awaitInBody() throws Exception {
            return core.trySend(item) ? null : super.awaitInBody();
        }

        @Override
        protected void start(CoreSubscriber<? super Void> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
            return new SendSuspension<>(core, item, actual, limit, EventLoop.runningOrNull());
        }

        @Override
        public String toString() {
            return "send(" + Log.text(item) + ") to " + core;
        }
    }
}
