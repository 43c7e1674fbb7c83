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
 * Runs work once for all concurrent callers: the callers of a key share one task. The first caller's work is run;
 * callers that arrive before it has ended wait for the same task, and receive the same value or error. A key never has
 * two running tasks, unless it was {@linkplain #forget forgotten} in between.
 *
 * <p><b>Results.</b> Failures are not kept: the next caller starts again. Neither are values, unless a time to live is
 * given; they are then kept for that time after the task has ended. This is not a cache: unlike Caffeine's, it has no
 * maximum size, statistics or refreshing. All callers receive the same object, so it should not be one that must be
 * closed.
 *
 * <p><b>Threading.</b> Every method may be called from any thread; none blocks. The task runs on the loop of the first
 * caller, or on a shared loop if it has none, in its {@code Context}; each caller resumes on its own loop. If the first
 * caller's loop cancels its tasks, as {@code Asyncio.run} does at its end, the other callers fail with a
 * {@link asyncio.CancelledException}.
 *
 * <p><b>Cancelling.</b> A cancelled caller leaves, and the others keep waiting. When the last one leaves, the task is
 * cancelled, and that caller ends when the task, including its clean-up, has ended. A caller that arrives in the
 * meantime starts a new task after that.
 *
 * <pre>{@code
 * SingleFlight<String, Page> flights = new SingleFlight<>();
 *
 * Mono<Page> page = flights.run(url, client::get);                                     // reactive
 *
 * Page parsed = await(flights.run(url, key -> async(() -> parse(await(load(key))))));  // straight-line
 * }</pre>
 *
 * <p>asyncio has no equivalent; like Go's {@code singleflight}, with cancellation.
 *
 * @param <K> the type of the keys, with {@code equals} and {@code hashCode}
 * @param <V> the type of the values
 * @since 0.1.0
 */
public final class SingleFlight<K, V> {
    /** The flights under way, and those with a kept value. */
    private final ConcurrentHashMap<K, Flight<K, V>> flights = new ConcurrentHashMap<>();

    private final Duration timeToLive;

    /** Creates a SingleFlight that keeps no values. */
    public SingleFlight() {
        this(Duration.ZERO);
    }

    /**
     * Creates a SingleFlight that keeps each value, or the absence of one, for a time.
     *
     * @param timeToLive the time after the end of the task, by the clock of its loop; zero to keep no values
     * @throws IllegalArgumentException if {@code timeToLive} is negative
     */
    public SingleFlight(Duration timeToLive) {
        if (timeToLive.isNegative()) {
            throw new IllegalArgumentException("timeToLive must not be negative: " + timeToLive);
        }
        this.timeToLive = timeToLive;
    }

    /**
     * Returns the value of the key: that of the task under way, a kept value, or that of {@code work}, which is started
     * if there is neither. Nothing happens until subscription; each subscription is a caller. Cancelling it cancels the
     * task if it is the last caller. The work must not request the same key, since it would wait forever.
     *
     * @param work called with the key, on the thread of the caller that starts it; if it throws, every caller fails
     *     with that exception
     */
    public Mono<V> run(K key, Function<? super K, ? extends Mono<? extends V>> work) {
        return new Run(Objects.requireNonNull(key, "key"), Objects.requireNonNull(work, "work"));
    }

    /**
     * Drops the key's value, if one is kept. If a task is under way, its callers still receive its outcome, but later
     * callers start a new task.
     */
    public void forget(K key) {
        flights.remove(Objects.requireNonNull(key, "key"));
    }

    /** Returns the number of keys with a task under way or a kept value. */
    public int size() {
        return flights.size();
    }

    /** {@code <SingleFlight [2 keys]>}. */
    @Override
    public String toString() {
        return "<SingleFlight [" + size() + " keys]>";
    }

    /** True if the caller got a kept value; else it waits, or was cancelled before it arrived. */
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
                    case OVER -> {} // it ended after the check above
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
