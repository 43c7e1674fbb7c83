package asyncio.sync;

import asyncio.ColdMono;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.time.Duration;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;

/**
 * A flag for any number of waiters. {@link #set} resumes all waiters present at that moment, even if {@link #clear}
 * follows immediately.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. A waiter on a loop resumes in that
 * loop's next tick, any other on the thread that sets the flag, in order of arrival.
 *
 * <p><b>Cancelling.</b> A cancelled waiter leaves.
 *
 * <pre>{@code
 * Event ready = new Event();
 * Mono<Page> page = ready.await().then(load());
 * ready.set();
 * }</pre>
 *
 * <p>asyncio: {@code Event}.
 */
public final class Event implements Scannable {
    private volatile boolean set;
    /** Guarded by this. */
    private final WaitQueue<EventSuspension> waiters = new WaitQueue<>();

    /** Creates an event that is not set. */
    public Event() {}

    /**
     * Completes empty when the flag is set; immediately if it is already. Nothing happens until subscription.
     *
     * <p>asyncio: {@code Event.wait}.
     */
    public Mono<Void> await() {
        return new Await(null);
    }

    /**
     * Like {@link #await()}, for at most {@code limit}; then fails with a
     * {@link java.util.concurrent.TimeoutException}.
     */
    public Mono<Void> await(Duration limit) {
        return new Await(PermitSource.checked(limit));
    }

    /** Sets the flag and resumes all waiters. asyncio: {@code Event.set}. */
    public void set() {
        if (set) {
            return;
        }
        WaitQueue<EventSuspension> woken = new WaitQueue<>();
        synchronized (this) {
            set = true;
            for (EventSuspension next; (next = waiters.poll()) != null; ) {
                if (next.wake()) {
                    woken.add(next);
                }
            }
        }
        woken.deliverAll();
    }

    /** Clears the flag; later waiters wait for the next {@link #set}. asyncio: {@code Event.clear}. */
    public void clear() {
        synchronized (this) {
            set = false;
        }
    }

    /** Returns whether the flag is set. asyncio: {@code Event.is_set}. */
    public boolean isSet() {
        return set;
    }

    /** Returns the number of waiters. */
    public synchronized int waiters() {
        return waiters.size();
    }

    private final class Await extends ColdMono<Void> {
        private final @Nullable Duration limit;

        Await(@Nullable Duration limit) {
            super(Await.class);
            this.limit = limit;
        }

        @Override
        protected @Nullable Void awaitInBody() throws Exception {
            return set ? null : super.awaitInBody();
        }

        @Override
        protected void start(CoreSubscriber<? super Void> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<Void> suspend(CoreSubscriber<? super Void> actual) {
            return new EventSuspension(Event.this, actual, limit);
        }

        @Override
        public String toString() {
            return "await of " + Event.this;
        }
    }

    private static final class EventSuspension extends Suspension<Void> {
        private final Event event;

        EventSuspension(Event event, CoreSubscriber<? super Void> actual, @Nullable Duration limit) {
            super(actual, limit);
            this.event = event;
        }

        @Override
        protected boolean begin() {
            if (event.set) {
                return grant(null);
            }
            synchronized (event) {
                if (event.set) {
                    return grant(null);
                }
                if (isWaiting()) {
                    event.waiters.add(this);
                }
            }
            return false;
        }

        boolean wake() {
            return grant(null);
        }

        @Override
        protected void leave() {
            synchronized (event) {
                event.waiters.remove(this);
            }
        }

        @Override
        public void giveBack(@Nullable Void value) {
            // there is nothing to give back
        }

        @Override
        protected String target() {
            return event.toString();
        }
    }

    /** {@code <Event [unset, waiters:2]>}. */
    @Override
    public String toString() {
        int waiters = waiters();
        return "<Event [" + (set ? "set" : "unset") + (waiters > 0 ? ", waiters:" + waiters : "") + "]>";
    }

    @Override
    public synchronized Stream<? extends Scannable> inners() {
        return waiters.snapshot().stream();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.NAME) {
            return toString();
        }
        return key == Attr.BUFFERED ? waiters() : null;
    }
}
