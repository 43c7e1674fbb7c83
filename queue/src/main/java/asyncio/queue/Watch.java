package asyncio.queue;

import asyncio.ColdMono;
import asyncio.EventLoop;
import asyncio.Log;
import asyncio.Suspension;
import asyncio.WaitQueue;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Scannable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The latest value of something that changes: a configuration, a state, a progress. Watchers see the latest value, not
 * every value in between. Setting it never waits, however slow the watchers are. A value that {@code equals} the
 * current one is no change.
 *
 * <p><b>Threading.</b> Every method may be called from any thread, on a loop or off it; none blocks. A waiter on a loop
 * resumes in that loop's next tick, any other on the thread that sets the value: never under a lock and never by
 * recursion.
 *
 * <p><b>Cancelling.</b> A cancelled waiter leaves; there is nothing to give back.
 *
 * <pre>{@code
 * Watch<Config> config = new Watch<>(initial);
 *
 * config.asFlux().concatMap(this::apply, 1).subscribe();                 // reactive: now, and after each change
 *
 * Watch.Version<Config> seen = config.version();                          // straight-line, in a body
 * while ((seen = await(config.changed(seen))) != null) {                  // null when it is closed
 *     await(apply(seen.value()));
 * }
 *
 * await(config.until(c -> c.isComplete()));
 * config.set(next);
 * }</pre>
 *
 * <p>asyncio has no equivalent; tokio has {@code watch}, Kotlin {@code StateFlow}.
 *
 * @param <T> the type of the value, with {@code equals}; preferably immutable
 * @since 0.1.0
 */
public final class Watch<T> implements Scannable {
    /**
     * A value and its sequence number.
     *
     * @param value the value
     * @param number the sequence number; 0 for the first value
     */
    public record Version<T>(T value, long number) {}

    private volatile Version<T> latest;
    private volatile boolean closed;
    /** Guarded by this. */
    private final WaitQueue<Change<?>> waiters = new WaitQueue<>();

    /** Creates a Watch with an initial value. */
    public Watch(T initial) {
        latest = new Version<>(Objects.requireNonNull(initial, "initial"), 0);
    }

    // ---- the value

    /** Returns the latest value. */
    public T get() {
        return latest.value();
    }

    /** Returns the latest value with its number, for {@link #changed(Version)}. */
    public Version<T> version() {
        return latest;
    }

    /**
     * Sets the value, and resumes the waiters if it has changed.
     *
     * @return whether it has changed: false if it equals the current one
     * @throws QueueShutDownException if this Watch is closed
     */
    public boolean set(T value) {
        Objects.requireNonNull(value, "value");
        return update(before -> value);
    }

    /**
     * Sets the value to the result of a function of the latest one, atomically.
     *
     * @param change runs under this Watch's lock, so it must be quick and must not use this Watch; an exception it
     *     throws propagates, and nothing has changed
     * @return whether it has changed
     * @throws QueueShutDownException if this Watch is closed
     */
    public boolean update(UnaryOperator<T> change) {
        WaitQueue<Change<?>> told = new WaitQueue<>();
        synchronized (this) {
            if (closed) {
                throw new QueueShutDownException("Cannot set the value of " + this + ": it is closed");
            }
            Version<T> before = latest;
            T value = Objects.requireNonNull(change.apply(before.value()), "the function returned null");
            if (value.equals(before.value())) {
                return false;
            }
            latest = new Version<>(value, before.number() + 1);
            takeOut(told);
        }
        told.deliverAll();
        return true;
    }

    /** Moves the waiters that are settled, under the monitor. */
    private void takeOut(WaitQueue<Change<?>> told) {
        if (waiters.isEmpty()) {
            return;
        }
        for (Change<?> waiter : waiters.snapshot()) {
            if (waiter.settles()) {
                waiters.remove(waiter);
                told.add(waiter);
            }
        }
    }

    /** Closes the Watch: the value stays, and waiters for another complete empty. Calling it again changes nothing. */
    public void close() {
        WaitQueue<Change<?>> told = new WaitQueue<>();
        synchronized (this) {
            closed = true;
            takeOut(told);
        }
        told.deliverAll();
    }

    /** Returns whether {@link #close} was called. */
    public boolean isClosed() {
        return closed;
    }

    // ---- waiting

    /**
     * Waits for the next change after its subscription, and returns the value. Completes empty when this Watch is
     * closed; {@code await} then returns null. In a loop, a change between two calls would be missed: use
     * {@link #changed(Version)} there.
     */
    public Mono<T> changed() {
        return new Await<>("changed()", Changed.class, () -> {
            Version<T> seen = latest;
            return () -> {
                Version<T> later = laterThan(seen);
                return later == null ? null : later.value();
            };
        });
    }

    /**
     * Returns the latest value if it is later than the one seen, else waits for a later one. Completes empty when this
     * Watch is closed and there is none.
     *
     * @param seen the result of {@link #version()} or of the last call of this method
     */
    public Mono<Version<T>> changed(Version<T> seen) {
        Objects.requireNonNull(seen, "seen");
        return new Await<>("changed(" + seen.number() + ")", Changed.class, () -> () -> laterThan(seen));
    }

    private @Nullable Version<T> laterThan(Version<T> seen) {
        Version<T> latest = this.latest;
        return latest.number() > seen.number() ? latest : null;
    }

    private boolean hasLaterThan(@Nullable Version<T> seen) {
        return seen == null || laterThan(seen) != null;
    }

    /**
     * Waits until the value satisfies a predicate, and returns it; immediately if it does already. Completes empty when
     * this Watch is closed and it does not. A value that was quickly replaced may be missed.
     *
     * @param wanted runs under this Watch's lock, for each change; it must be quick, not use this Watch, and not throw
     */
    public Mono<T> until(Predicate<? super T> wanted) {
        Objects.requireNonNull(wanted, "wanted");
        return new Await<>("until(...)", Until.class, () -> () -> {
            T value = get();
            return wanted.test(value) ? value : null;
        });
    }

    /**
     * Returns a Flux of the value and each later one, as far as there is demand. When demand returns, it emits the
     * latest value if that is a different one. Completes when this Watch is closed and the latest value was emitted.
     */
    public Flux<T> asFlux() {
        return Flux.defer(() -> {
            @Nullable Version<T>[] seen = newSlot();
            return new Await<>("asFlux()", AsFlux.class, () -> () -> {
                        Version<T> last = seen[0];
                        return last == null ? latest : laterThan(last);
                    })
                    .map(next -> {
                        seen[0] = next;
                        return next.value();
                    })
                    .repeat(() -> !closed || hasLaterThan(seen[0]));
        });
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static <T> @Nullable Version<T>[] newSlot() {
        return new @Nullable Version[1];
    }

    /** Names of the methods, for reports. */
    private static final class Changed {}

    private static final class Until {}

    private static final class AsFlux {}

    /** Returns the number of waiters. */
    public synchronized int waiters() {
        return waiters.size();
    }

    /** Looks at the value for one subscription. */
    private interface Look<V> {
        /** Returns the awaited value; null if it is not there. */
        @Nullable V now();
    }

    /** Starts looking, at subscription. */
    private interface Begin<V> {
        Look<V> begin();
    }

    private final class Await<V> extends ColdMono<V> {
        private final String text;
        private final Begin<V> looks;

        Await(String text, Class<?> what, Begin<V> looks) {
            super(what);
            this.text = text;
            this.looks = looks;
        }

        @Override
        protected void start(CoreSubscriber<? super V> actual) {
            actual.onSubscribe(suspend(actual));
        }

        @Override
        protected Suspension<V> suspend(CoreSubscriber<? super V> actual) {
            return new Change<>(Watch.this, looks.begin(), actual);
        }

        @Override
        public String toString() {
            return text + " of " + Watch.this;
        }
    }

    /** A waiter. */
    private static final class Change<V> extends Suspension<V> {
        private final Watch<?> watch;
        private final Look<V> look;

        Change(Watch<?> watch, Look<V> look, CoreSubscriber<? super V> actual) {
            super(actual, (Duration) null, EventLoop.runningOrNull());
            this.watch = watch;
            this.look = look;
        }

        @Override
        protected boolean begin() {
            synchronized (watch) {
                if (settles()) {
                    return true;
                }
                if (isWaiting()) {
                    watch.waiters.add(this);
                }
                return false;
            }
        }

        /** Settles it if its wait has ended, under the monitor; true if it must be notified. */
        boolean settles() {
            V value;
            try {
                value = look.now();
            } catch (RuntimeException | Error e) { // from a predicate
                return fail(e);
            }
            return (value != null || watch.closed) && grant(value);
        }

        @Override
        protected void leave() {
            synchronized (watch) {
                watch.waiters.remove(this);
            }
        }

        @Override
        public void giveBack(@Nullable V value) {
            // values are shared: there is nothing to give back
        }

        @Override
        protected String target() {
            return "a change of " + watch;
        }
    }

    // ---- looking at it

    /** {@code <Watch 42 waiters[2] closed>}; empty parts are omitted. */
    @Override
    public String toString() {
        int waiters = waiters();
        return "<Watch " + Log.text(get()) + (waiters > 0 ? " waiters[" + waiters + "]" : "")
                + (closed ? " closed" : "") + ">";
    }

    @Override
    public synchronized Stream<? extends Scannable> inners() {
        return waiters.snapshot().stream();
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.TERMINATED) {
            return closed;
        }
        return key == Attr.NAME ? toString() : null;
    }
}
