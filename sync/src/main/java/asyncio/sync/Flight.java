package asyncio.sync;

import static asyncio.Asyncio.async;
import static asyncio.Asyncio.await;

import asyncio.CancelledException;
import asyncio.EventLoop;
import asyncio.Future;
import asyncio.Task;
import asyncio.WaitQueue;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Scheduler;
import reactor.util.context.Context;

/**
 * One task of a {@link SingleFlight} and its callers. The caller that puts it into the map starts it; the call that
 * removes the last caller cancels it. Guarded by its monitor, under which no caller is notified and no task is started
 * or cancelled.
 */
final class Flight<K, V> {
    /*
     *                        end(), with a value to be kept
     *   [ under way ] -----------------------------------------> [ kept ]
     *         |                                                      |
     *         | end(); or the last caller leaves, or is              | its time is over
     *         | about to: the task is cancelled, and end()           v
     *         | is still to come                                 [ over ]
     *         +--------------------------------------------------->
     */

    /** The outcome for a caller. */
    enum Found {
        /** The caller waits for the task, or was cancelled. */
        JOINED,
        GRANTED,
        /** The caller came too late for this flight. */
        OVER
    }

    private enum State {
        UNDER_WAY,
        KEPT,
        OVER
    }

    private final ConcurrentMap<K, Flight<K, V>> flights;
    private final K key;
    private final Duration timeToLive;
    private final WaitQueue<FlightCaller<V>> callers = new WaitQueue<>();
    private State state = State.UNDER_WAY;
    /** The previous flight of the key, which all callers have left; null once that has ended and the work has begun. */
    private @Nullable Flight<K, V> before;

    private volatile @Nullable Task<V> task;
    /** Whether the task has ended, or will not be started. */
    private boolean ended;
    /** Set when the task has ended; null if nothing waits for that. */
    private @Nullable Event end;
    /** The last caller, if it was disposed of: the work it is part of waits for the end. */
    private @Nullable FlightCaller<V> last;
    /** The kept value, its clock and the time at which it expires. */
    private @Nullable V value;

    private @Nullable Scheduler clock;
    private long expires;

    Flight(ConcurrentMap<K, Flight<K, V>> flights, K key, @Nullable Flight<K, V> before, Duration timeToLive) {
        this.flights = flights;
        this.key = key;
        this.before = before;
        this.timeToLive = timeToLive;
    }

    // ---- callers

    /** Returns whether a new caller can no longer use it. */
    synchronized boolean isOver() {
        Scheduler clock = this.clock;
        // the loop may be closed, with its clock stopped
        if (state == State.KEPT && clock != null && (clock.isDisposed() || now(clock) - expires >= 0)) {
            drop();
        }
        return state == State.OVER;
    }

    synchronized Found join(FlightCaller<V> caller) {
        if (isOver()) {
            return Found.OVER;
        }
        if (state == State.KEPT) {
            return caller.succeed(value) ? Found.GRANTED : Found.JOINED;
        }
        if (caller.comes(this)) {
            callers.add(caller);
        }
        return Found.JOINED;
    }

    /** Removes a caller that was disposed of, or was requested to end. */
    void leave(FlightCaller<V> caller) {
        synchronized (this) {
            if (!callers.remove(caller)) {
                return;
            }
            if (!callers.isEmpty() || state == State.OVER) {
                caller.turn();
                return;
            }
            state = State.OVER;
            caller.lingers();
            last = caller;
        }
        cancel("The last caller has left");
    }

    /** Handles the request to end a caller: true if it is the last one, which then ends with the task. */
    boolean endsEarly(FlightCaller<V> caller, Throwable error) {
        synchronized (this) {
            if (!caller.waits() || callers.peek() != caller || callers.size() > 1) {
                return false;
            }
            state = State.OVER;
            caller.endsWith(error);
        }
        cancel(error.getMessage());
        return true;
    }

    /** Cancels the task. If it has not been started yet, the thread that starts it sees the state. */
    private void cancel(@Nullable String message) {
        Task<V> task = this.task;
        if (task != null) {
            task.cancel(message);
        }
    }

    // ---- the task

    @Nullable Task<V> task() {
        return task;
    }

    /**
     * Starts the work, for the caller that put the flight into the map; that may have been cancelled, and others may
     * have joined.
     */
    void start(Function<? super K, ? extends Mono<? extends V>> work, Context context) {
        boolean abandoned;
        synchronized (this) {
            if (callers.isEmpty()) {
                state = State.OVER;
            }
            abandoned = state == State.OVER;
        }
        if (abandoned) {
            end(null, CancelledException.of(null, null));
            return;
        }
        Task<V> started;
        try {
            Mono<? extends V> mono = Objects.requireNonNull(work.apply(key), "work returned null");
            started = EventLoop.runningOrShared().createTask(afterTheOneBefore(mono), null, context);
        } catch (RuntimeException | Error e) {
            end(null, e);
            return;
        }
        synchronized (this) {
            task = started;
            abandoned = state == State.OVER;
        }
        started.addDoneCallback(task -> ended(task, context), context);
        if (abandoned) {
            started.cancel("The last caller has left");
        }
    }

    private Mono<? extends V> afterTheOneBefore(Mono<? extends V> work) {
        return untilBeforeHasEnded() == null
                ? work
                : async(() -> {
                    for (Mono<Void> end; (end = untilBeforeHasEnded()) != null; ) {
                        await(end);
                    }
                    return await(work);
                });
    }

    /** Null if there is no previous flight, or it has ended. */
    private @Nullable Mono<Void> untilBeforeHasEnded() {
        Flight<K, V> before;
        synchronized (this) {
            before = this.before;
        }
        Mono<Void> end = before == null ? null : before.untilEnded();
        if (end == null) {
            synchronized (this) {
                this.before = null;
            }
        }
        return end;
    }

    /** Completes when its task and all before it have ended; null if they have already. */
    private @Nullable Mono<Void> untilEnded() {
        synchronized (this) {
            if (!ended) {
                Event end = this.end == null ? new Event() : this.end;
                this.end = end;
                return end.await();
            }
        }
        return untilBeforeHasEnded();
    }

    private void ended(Future<V> task, Context context) {
        V result = null;
        Throwable error = null;
        try {
            result = task.result();
        } catch (Throwable e) {
            error = e;
        }
        if (!end(result, error)) { // no caller was left to notify
            if (error == null) {
                Operators.onDiscard(result, context);
            } else if (!(error instanceof CancelledException)) {
                Operators.onErrorDropped(error, context);
            }
        }
    }

    /** Settles all callers with the outcome; false if there are none. */
    boolean end(@Nullable V result, @Nullable Throwable error) {
        WaitQueue<FlightCaller<V>> told = new WaitQueue<>();
        boolean any = false;
        Event end;
        FlightCaller<V> last;
        synchronized (this) {
            boolean keeps = state == State.UNDER_WAY && error == null && !timeToLive.isZero();
            for (FlightCaller<V> caller; (caller = callers.poll()) != null; ) {
                Throwable ending = caller.ending();
                if (error == null
                        ? caller.succeed(result)
                        : caller.fails(ending != null && error instanceof CancelledException ? ending : error)) {
                    told.add(caller);
                    any = true;
                }
            }
            state = keeps && keep(result) ? State.KEPT : State.OVER;
            any |= state == State.KEPT;
            ended = true;
            end = this.end;
            last = this.last;
        }
        leaveMap();
        if (last != null) {
            last.turn();
        }
        if (end != null) {
            end.set();
        }
        told.deliverAll();
        return any;
    }

    /**
     * Leaves the map, unless it was forgotten or replaced. A previous flight that is still ending returns to the map.
     */
    private void leaveMap() {
        Flight<K, V> before;
        synchronized (this) {
            if (!ended || state != State.OVER) {
                return;
            }
            before = this.before;
        }
        if (before == null) {
            flights.remove(key, this);
        } else if (flights.replace(key, this, before)) {
            before.leaveMap(); // it may have ended just before that
        }
    }

    // ---- kept values

    private static long now(Scheduler clock) {
        return clock.now(TimeUnit.NANOSECONDS);
    }

    /** Keeps the value, under the monitor; false if the loop is closed. */
    private boolean keep(@Nullable V result) {
        Task<V> task = this.task;
        EventLoop loop = task == null ? null : task.getLoop();
        if (loop == null) {
            return false;
        }
        long nanos = Duration.ofNanos(Long.MAX_VALUE / 4).compareTo(timeToLive) < 0
                ? Long.MAX_VALUE / 4
                : timeToLive.toNanos();
        Scheduler clock = loop.scheduler();
        try {
            clock.schedule(this::expire, nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException closed) {
            return false;
        }
        this.clock = clock;
        expires = now(clock) + nanos;
        value = result;
        return true;
    }

    private synchronized void expire() {
        drop();
        flights.remove(key, this);
    }

    private void drop() {
        state = State.OVER;
        value = null;
    }
}
