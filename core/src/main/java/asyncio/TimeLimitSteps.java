package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.TimerQueue;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A time limit around one Mono, for {@link Timeout}'s scopes and {@link Asyncio#waitFor}. Must be used on the loop,
 * except for {@link #when()} and {@link #expired()}.
 *
 * <p>The timer is set when the task suspends, so work that does not suspend needs none. Until then the limit is in
 * {@link Task#unarmed}.
 */
class TimeLimitSteps<T> extends Steps<T> implements UnarmedLimit {
    private enum State {
        ACTIVE,
        EXPIRING,
        EXPIRED,
        FINISHED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final long NEVER = TimerQueue.NONE;

    /** The Mono that {@code waitFor} waits for; its result takes precedence over a time that is up in the same tick. */
    private final @Nullable Mono<? extends T> awaited;

    private final @Nullable Function<Timeout, Mono<? extends T>> body;
    private final @Nullable Duration time;
    private final boolean absolute;
    private @Nullable Task<?> task;
    private int cancellingBefore;
    private volatile State state = State.ACTIVE;
    private volatile long when = NEVER;
    private @Nullable Alarm alarm;
    private boolean unarmed;
    private boolean moved;
    /** The next limit outwards, while this one is unarmed. */
    private @Nullable UnarmedLimit nextUnarmed;

    private @Nullable T value;

    /**
     * @param awaited the Mono to wait for; if null,
     * @param body returns it
     */
    TimeLimitSteps(
            @Nullable Mono<? extends T> awaited,
            @Nullable Function<Timeout, Mono<? extends T>> body,
            @Nullable Duration time,
            boolean absolute) {
        this.awaited = awaited;
        this.body = body;
        this.time = time;
        this.absolute = absolute;
    }

    /** A limit that ends without an error when the time is up. */
    static class MovingOn<T> extends TimeLimitSteps<T> {
        private boolean movedOn;

        MovingOn(@Nullable Function<Timeout, Mono<? extends T>> body, @Nullable Duration time) {
            super(null, body, time, false);
        }

        /** Returns whether the scope ended because the time was up. */
        final boolean movedOn() {
            return movedOn;
        }

        @Override
        final boolean movesOn(Throwable cancellation) {
            movedOn = true;
            report(cancellation);
            return true;
        }
    }

    /** Returns whether the scope ends without an error when the time is up. */
    boolean movesOn(Throwable cancellation) {
        return false;
    }

    final Task<?> task() {
        return Objects.requireNonNull(task, "a scope that has begun");
    }

    // ---- steps

    @Override
    Mono<?> begin(Task<?> task) {
        this.task = task;
        cancellingBefore = task.cancelling();
        Duration time = this.time;
        if (time != null) {
            long when = absolute ? EventLoop.saturatedNanos(time) : task.loop.deadline(time);
            boolean isDue = absolute ? when <= task.loop.core.now() : time.isZero() || time.isNegative();
            set(when, isDue);
        }
        return awaited != null ? awaited : work();
    }

    /** Returns the limited work, if no Mono is given. */
    Mono<? extends T> work() {
        return Objects.requireNonNull(body).apply(new Timeout(this));
    }

    @Override
    @SuppressWarnings("unchecked") // the only wait is for the Mono that gives the value
    @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
        exit(error);
        this.value = (T) value;
        return null;
    }

    @Override
    @Nullable T result() {
        return value;
    }

    private void exit(@Nullable Throwable error) throws Exception {
        disarm();
        if (state == State.EXPIRING) {
            state = State.EXPIRED;
            if (task().uncancel() <= cancellingBefore && error != null) {
                String limit = absolute || moved ? "at " + when() + " of the loop's clock" : "after " + time;
                if (error instanceof CancelledException && movesOn(error)) {
                    return;
                }
                if (error instanceof CancelledException) {
                    throw timeoutException(limit, error);
                }
                if (when != NEVER) { // not a scope that was cancelled without a limit
                    TimeoutException context = timeoutException(limit, null); // asyncio's __context__
                    Suppressed.addOnce(error, context);
                    if (error instanceof ExceptionGroup group) {
                        group.exceptions().forEach(e -> Suppressed.addOnce(e, context));
                    }
                }
            }
        } else {
            state = State.FINISHED;
        }
        if (error != null) {
            throw Misuse.<Exception>sneaky(error);
        }
    }

    /** Reports errors that came in the tick of the cancellation, suppressed by an exception that is not thrown. */
    final void report(Throwable cancellation) {
        for (Throwable late : cancellation.getSuppressed()) {
            task().loop
                    .callExceptionHandler(ExceptionContext.of("Error of cancelled work after its time was up")
                            .exception(late)
                            .build());
        }
    }

    static TimeoutException timeoutException(String limit, @Nullable Throwable cause) {
        TimeoutException e = new TimedOutException("Timed out " + limit);
        e.initCause(cause);
        return e;
    }

    // ---- the timer

    private void set(long when, boolean isDue) {
        this.when = when;
        if (isDue) {
            armNow();
        } else {
            Task<?> task = task();
            unarmed = true;
            nextUnarmed = task.unarmed;
            task.unarmed = this;
        }
    }

    @Override
    public @Nullable UnarmedLimit nextUnarmed() {
        return nextUnarmed;
    }

    @Override
    public void setNextUnarmed(@Nullable UnarmedLimit next) {
        nextUnarmed = next;
    }

    /**
     * Sets a timer even if the time is up by now, since timers come after IO: a task that was busy then gets the result
     * it waits for.
     */
    @Override
    public void arm() {
        unarmed = false;
        Alarm alarm = new Alarm(this);
        this.alarm = alarm;
        alarm.entry = new TimerQueue.Entry(alarm, when);
        task().loop.core.addTimer(alarm.entry);
    }

    /** Queues the alarm for the next tick, ahead of the entries that the scope is about to queue. */
    private void armNow() {
        Alarm alarm = new Alarm(this);
        this.alarm = alarm;
        task().loop.core.enqueue(alarm);
    }

    private void disarm() {
        Alarm alarm = this.alarm;
        if (alarm != null) {
            this.alarm = null;
            if (alarm.entry != null) {
                task().loop.core.removeTimer(alarm.entry);
            }
        } else if (unarmed) {
            unarmed = false;
            removeFromUnarmed();
        }
    }

    private void removeFromUnarmed() {
        Task<?> task = task();
        UnarmedLimit before = null;
        for (UnarmedLimit limit = task.unarmed; limit != null; limit = limit.nextUnarmed()) {
            if (limit == this) {
                if (before == null) {
                    task.unarmed = nextUnarmed;
                } else {
                    before.setNextUnarmed(nextUnarmed);
                }
                nextUnarmed = null;
                return;
            }
            before = limit;
        }
    }

    private static final class Alarm extends Waiter {
        private final TimeLimitSteps<?> limit;
        private TimerQueue.@Nullable Entry entry;

        Alarm(TimeLimitSteps<?> limit) {
            this.limit = limit;
        }

        @Override
        public void run() {
            if (limit.alarm == this) {
                limit.alarm = null;
                limit.expire();
            }
        }

        /** Does nothing: no waiter is left. */
        @Override
        protected void loopClosed() {}

        @Override
        protected boolean isInternal() {
            return true;
        }

        @Override
        LoopCore resumesOn() {
            return limit.task().loop.core;
        }
    }

    private void expire() {
        if (awaited != null && task().hasComeBy(awaited)) {
            return;
        }
        end(null);
    }

    /** Cancels the scope's work, unless the scope has ended or was already cancelled; on the loop. */
    final void end(@Nullable String message) {
        if (state == State.ACTIVE) {
            disarm();
            state = State.EXPIRING;
            deliver(message);
        }
    }

    /** Cancels what is in the scope. */
    void deliver(@Nullable String message) {
        task().cancel(message);
    }

    // ---- API of Timeout

    final @Nullable Duration when() {
        long when = this.when;
        return when == NEVER ? null : Duration.ofNanos(when);
    }

    final void reschedule(@Nullable Duration when) {
        EventLoop loop = task().loop;
        if (!loop.core.inEventLoop()) {
            throw Misuse.wrongThread("reschedule", loop.toString());
        }
        if (state != State.ACTIVE) {
            throw new IllegalStateException(
                    "Cannot change state of " + state + " Timeout: reschedule it while it is active");
        }
        disarm();
        moved = true;
        this.when = when == null ? NEVER : EventLoop.saturatedNanos(when);
        if (this.when <= loop.core.now()) {
            armNow();
        } else if (when != null) {
            arm();
        }
    }

    /** Returns whether it has neither ended nor been told to end. */
    final boolean isActive() {
        return state == State.ACTIVE;
    }

    /** Returns whether it has been told to end, and has not. */
    final boolean isExpiring() {
        return state == State.EXPIRING;
    }

    final boolean expired() {
        return state == State.EXPIRING || state == State.EXPIRED;
    }

    @Override
    public String toString() {
        return "[" + state + "]" + (state == State.ACTIVE ? " when=" + when() : "");
    }
}
