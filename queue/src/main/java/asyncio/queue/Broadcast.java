package asyncio.queue;

import asyncio.AttemptSubscription;
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
 * Sends each item to every subscriber. Each subscriber has its own bounded buffer, and chooses the action when that is
 * full: the sender waits, the oldest items are dropped, or the subscriber is disconnected. One subscriber's choice
 * affects the others only through the sender's wait.
 *
 * <p><b>Order.</b> All subscribers receive the items in the same order, regardless of the sender. Senders are served
 * first in, first out. An item is in all buffers or in none.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on a loop or off it; none blocks. A waiter on a loop
 * resumes in that loop's next tick, any other on the thread that sends or gets, after that call has changed the
 * broadcast: never under a lock and never by recursion.
 *
 * <p><b>Cancelling.</b> A send that is cancelled or times out has not happened. If a getter is cancelled after
 * receiving an item but before resuming, the item returns to the head of its buffer.
 *
 * <p><b>Errors.</b> After {@link #close}, sends fail with {@link QueueShutDownException}. Null is rejected with
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
 * <p>asyncio has no equivalent; Kotlin has {@code SharedFlow}, tokio {@code broadcast}.
 *
 * @param <T> the type of the items
 * @since 0.1.0
 */
public final class Broadcast<T> implements Scannable {
    /** The action when an item arrives for a subscriber with a full buffer. */
    public enum Overflow {
        /**
         * The sender waits until there is room in the buffer: no item is missed, and the slowest subscriber sets the
         * pace.
         */
        SUSPEND,
        /**
         * The oldest item in the buffer is dropped; {@link BroadcastSubscription#missed()} counts the dropped items.
         */
        DROP_OLDEST,
        /**
         * The subscription ends: the items in its buffer can still be received, then gets fail with
         * {@link SlowSubscriberException}.
         */
        DISCONNECT
    }

    private final BroadcastCore<T> core;

    /** Creates a broadcast in which subscribers receive the items sent after they subscribed. */
    public Broadcast() {
        this(0);
    }

    /**
     * Creates a broadcast in which a new subscriber first receives the latest items: as many of the last {@code replay}
     * as its buffer holds.
     *
     * @throws IllegalArgumentException if {@code replay} is negative
     */
    public Broadcast(int replay) {
        if (replay < 0) {
            throw new IllegalArgumentException("replay must not be negative: " + replay);
        }
        core = new BroadcastCore<>(replay);
    }

    // ---- sending

    /**
     * Sends an item to all current subscribers, as soon as every {@link Overflow#SUSPEND} subscriber has room;
     * immediately if there are none. Nothing happens until subscription; each subscription sends the item again.
     * Cancelling it before it completes sends the item to no subscriber.
     *
     * <p>Fails with {@link QueueShutDownException} if the broadcast is closed before or while it waits.
     */
    public Mono<Void> send(T item) {
        return new Send(Objects.requireNonNull(item, "item"), null);
    }

    /**
     * Like {@link #send(Object)}, but fails with {@link java.util.concurrent.TimeoutException} if there is no room
     * within {@code limit}; no subscriber receives the item then.
     */
    public Mono<Void> send(T item, Duration limit) {
        return new Send(Objects.requireNonNull(item, "item"), Objects.requireNonNull(limit, "limit"));
    }

    /**
     * Sends an item if that is possible without waiting.
     *
     * @return false if a subscriber has no room, or other senders are waiting
     * @throws QueueShutDownException if the broadcast is closed
     */
    public boolean trySend(T item) {
        return core.trySend(Objects.requireNonNull(item, "item"), null);
    }

    /**
     * Closes the broadcast: nothing more is sent, and waiting senders fail with {@link QueueShutDownException}.
     * Subscribers can still receive the items in their buffers. Calling it again changes nothing.
     */
    public void close() {
        core.close();
    }

    /** Returns whether {@link #close} was called. */
    public boolean isClosed() {
        return core.isClosed();
    }

    // ---- subscribing

    /** Like {@link #subscribe(int, Overflow)}, with {@link Overflow#SUSPEND}. */
    public BroadcastSubscription<T> subscribe(int capacity) {
        return subscribe(capacity, Overflow.SUSPEND);
    }

    /**
     * Subscribes immediately: items sent from now on go to the subscription's buffer. Close the subscription when it is
     * no longer needed; an unread {@link Overflow#SUSPEND} one makes senders wait.
     *
     * @param capacity the capacity of the buffer
     * @param overflow the action when it is full
     * @throws IllegalArgumentException if the capacity is not positive
     */
    public BroadcastSubscription<T> subscribe(int capacity, Overflow overflow) {
        return new BroadcastSubscription<>(core, core.subscribe(checked(capacity), Objects.requireNonNull(overflow)));
    }

    /**
     * Returns a Flux that subscribes to the broadcast as {@link #subscribe(int, Overflow)} does, once for each
     * subscriber. A subscriber receives as many items as it requests, and leaves the broadcast when it is cancelled.
     * Completes after the last item when the broadcast is closed; fails with {@link SlowSubscriberException} if the
     * subscriber is disconnected.
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
            throw new IllegalArgumentException("The capacity must be at least 1, not " + capacity);
        }
        return capacity;
    }

    /** Returns the number of subscriptions. */
    public int subscribers() {
        return core.subscribers();
    }

    // ---- looking at it

    /** {@code <Broadcast subscribers[3] senders[1] closed>}; empty parts are omitted. */
    @Override
    public String toString() {
        return core.toString();
    }

    /** The waiting senders. */
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
            return core.trySend(item, null) ? null : super.awaitInBody();
        }

        @Override
        protected void start(CoreSubscriber<? super Void> actual) {
            EventLoop loop = EventLoop.runningOrNull();
            boolean waits = Suspension.isAwait(actual) || loop != null && core.looksFull();
            actual.onSubscribe(waits ? sender(actual, loop) : new SendAttempt(actual));
        }

        @Override
        protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
            return sender(actual, EventLoop.runningOrNull());
        }

        private SendSuspension<T> sender(CoreSubscriber<? super Void> actual, @Nullable EventLoop loop) {
            return new SendSuspension<>(core, item, actual, limit, loop);
        }

        private final class SendAttempt extends AttemptSubscription<Void> {
            SendAttempt(CoreSubscriber<? super Void> actual) {
                super(actual);
            }

            @Override
            protected boolean succeeds() {
                boolean sent;
                try {
                    sent = core.trySend(item, this);
                } catch (QueueShutDownException e) {
                    actual().onError(e);
                    return true;
                }
                if (sent) {
                    actual().onComplete();
                }
                return sent;
            }

            @Override
            protected Suspension<Void> suspend(@Nullable EventLoop loop) {
                return sender(actual(), loop);
            }

            @Override
            public String toString() {
                return "<" + Log.text(actual()) + " waiting for room in the buffers of " + core + ">";
            }
        }

        @Override
        public String toString() {
            return "send(" + Log.text(item) + ") to " + core;
        }
    }
}
