package asyncio.sync;

import asyncio.ColdMono;
import asyncio.Log;
import asyncio.Suspension;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Mono;

/**
 * Work that is done once for all who want its result at the same time: callers of one key share one task. The first
 * caller's work is run; those that come before it has ended wait for the same, and get the same value or error. At no
 * time do two tasks of a key run, unless it was {@linkplain #forget forgotten} in between.
 *
 * <p><b>Results.</b> Failures are not kept: the next caller begins anew. Values are not either, unless a time to live
 * is given; then they are kept for that time from their end on. This is no cache: it has no size, statistics or
 * refreshing, which Caffeine's has. All callers get the same object, so it should not be one that must be closed.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. The task runs on the loop of the first
 * caller, or a shared one if that is on none, in its {@code Context}; each caller resumes on its own loop. If the first
 * caller's loop ends its tasks, as {@code Asyncio.run} does in the end, the other callers fail with a
 * {@link asyncio.CancelledException}.
 *
 * <p><b>Cancelling.</b> A caller that is cancelled leaves, and the others wait on. When the last one leaves, the task
 * is cancelled, and that caller ends when the task has, with its clean-up. A caller that comes meanwhile begins anew
 * after that.
 *
 * <pre>{@code
 * SingleFlight<String, Page> flights = new SingleFlight<>();
 *
 * Mono<Page> page = flights.run(url, client::get);                                     // reactive
 *
 * Page parsed = await(flights.run(url, key -> async(() -> parse(await(load(key))))));  // straight-line
 * }</pre>
 *
 * <p>asyncio has none; Go's {@code singleflight}, with cancellation.
 *
 * @param <K> the type of the keys, with {@code equals} and {@code hashCode}
 * @param <V> the type of the values
 * @since 0.1.0
 */
public final class SingleFlight<K, V> {
    /** The flights under way, and those whose value is kept. */
    private final ConcurrentHashMap<K, Flight<K, V>> flights = new ConcurrentHashMap<>();

    private final Duration timeToLive;

    /** One that keeps no values. */
    public SingleFlight() {
        this(Duration.ZERO);
    }

    /**
     * One that keeps each value, also that there was none, for a time.
     *
     * @param timeToLive from the end of the task on, by the clock of its loop; zero for not at all
     * @throws IllegalArgumentException if it is negative
     */
    public SingleFlight(Duration timeToLive) {
        if (timeToLive.isNegative()) {
            throw new IllegalArgumentException("Cannot keep values for " + timeToLive + ": zero at least");
        }
        this.timeToLive = timeToLive;
    }

    /**
     * The value of the key: that of the task under way, one that is kept, or that of {@code work}, which is begun if
     * there is neither. Nothing happens until subscription; each subscription is a caller. Cancelling it cancels the
     * task if it is the last one. The work must not want the same key, for which it would wait for ever.
     *
     * @param work called with the key, on the thread of the caller that begins it; what it throws, every caller gets
     */
    public Mono<V> run(K key, Function<? super K, ? extends Mono<? extends V>> work) {
        return new Run(Objects.requireNonNull(key, "key"), Objects.requireNonNull(work, "work"));
    }

    /**
     * Drops the key's value, if one is kept. If a task is under way, its callers get what comes of it, but those that
     * come from now on begin anew.
     */
    public void forget(K key) {
        flights.remove(Objects.requireNonNull(key, "key"));
    }

    /** Returns the number of keys with a task under way, or with a value that is kept. */
    public int size() {
        return flights.size();
    }

    /** {@code <SingleFlight [2 keys]>}. */
    @Override
    public String toString() {
        return "<SingleFlight [" + size() + " keys]>";
    }

    /** True if it got a value that was kept; else it waits, or was cancelled before it came. */
    private boolean join(K key, Function<? super K, ? extends Mono<? extends V>> work, FlightCaller<V> caller) {
        for (; ; ) {
            Flight<K, V> flight = flights.get(key);
            if (flight == null || flight.isOver()) {
                Flight<K, V> next = new Flight<>(flights, key, flight, timeToLive);
                if (flight == null ? flights.putIfAbsent(key, next) == null : flights.replace(key, flight, next)) {
                    next.join(caller);
                    next.start(work, caller.context());
                    return false;
                }
            } else {
                switch (flight.join(caller)) {
                    case GRANTED -> {
                        return true;
                    }
                    case JOINED -> {
                        return false;
                    }
                    case OVER -> {} // since the line above
                }
            }
        }
    }

    private final class Run extends ColdMono<V> {
        private final K key;
        private final Function<? super K, ? extends Mono<? extends V>> work;

        Run(K key, Function<? super K, ? extends Mono<? extends V>> work) {
            super(Run.class);
            this.key = key;
            this.work = work;
        }

        @Override
        protected void start(CoreSubscriber<? super V> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<V> suspend(CoreSubscriber<? super V> actual) {
            return new FlightCaller<>(actual) {
                @Override
                protected boolean begin() {
                    return join(key, work, this);
                }

                @Override
                protected String target() {
                    return Run.this.toString();
                }
            };
        }

        @Override
        public String toString() {
            return "run(" + Log.text(key) + ") of " + SingleFlight.this;
        }
    }
}
