package asyncio;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A scope with a time limit. When the time is out, what runs in the scope is cancelled; when it has ended, its clean-up
 * included, the scope fails with a {@link TimeoutException}. What fails otherwise meanwhile, or was cancelled from
 * outside, comes out as it is; a body that refuses to be cancelled and returns has its value.
 *
 * <p>Times are the loop's. The timer is not set before something in the scope suspends.
 *
 * <p><b>Threading.</b> The scope runs on one loop; {@link #reschedule} belongs to that, the questions to any thread.
 *
 * <pre>{@code
 * Mono<Page> page = Timeout.scope(Duration.ofSeconds(2), timeout -> Mono.zip(user, orders, Page::new));
 *
 * List<String> lines = await(Timeout.scopeBody(Duration.ofSeconds(2), timeout -> {
 *     List<String> all = new ArrayList<>();
 *     for (byte[] line; (line = await(reader.readLine())) != null; ) {
 *         all.add(new String(line, UTF_8));
 *         timeout.reschedule(loop.time().plusSeconds(2));            // two more seconds for the next one
 *     }
 *     return all;
 * }));
 * }</pre>
 *
 * <p>asyncio: {@code timeout}, {@code timeout_at}, {@code Timeout}. For a single Mono: {@link Asyncio#waitFor}.
 */
public final class Timeout {
    private enum State {
        ACTIVE,
        EXPIRING,
        EXPIRED,
        FINISHED;

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    private static final long NEVER = TimerQueue.NONE;

    private final Task<?> task;
    /** For {@code waitFor}: what it waits for, whose result wins over a time that is out in the same tick. */
    private final @Nullable Mono<?> awaited;

    private final int cancellingBefore;
    private volatile State state = State.ACTIVE;
    private volatile long when;
    private @Nullable Alarm alarm;
    /** The next one out, while this one is among {@link Task#unarmed}. */
    private @Nullable Timeout nextUnarmed;

    private boolean unarmed;
    private boolean moved;

    private Timeout(Task<?> task, long when, @Nullable Mono<?> awaited) {
        this.task = task;
        this.awaited = awaited;
        this.cancellingBefore = task.cancelling();
        this.when = when;
        set();
    }

    // ---- scopes

    /**
     * A time limit around a Mono. Nothing happens until subscription; each begins anew. Awaited in a body it runs in
     * the current task; elsewhere as a task of the running loop, or of one of {@link EventLoop#shared()}.
     *
     * @param delay from subscription on; null for no limit (until {@link #reschedule})
     */
    public static <T> Mono<T> scope(
            @Nullable Duration delay, Function<? super Timeout, ? extends Mono<? extends T>> body) {
        return scope(delay, false, reactive(body), false);
    }

    /** As {@link #scope}, with straight-line code. */
    public static <T extends @Nullable Object> Mono<T> scopeBody(
            @Nullable Duration delay, BodyFunction<? super Timeout, T> body) {
        return scope(delay, false, straightLine(body), true);
    }

    /** As {@link #scope}, until a point of the loop's clock. asyncio: {@code timeout_at}. */
    public static <T> Mono<T> scopeAt(
            @Nullable Duration when, Function<? super Timeout, ? extends Mono<? extends T>> body) {
        return scope(when, true, reactive(body), false);
    }

    /** As {@link #scopeAt}, with straight-line code. */
    public static <T extends @Nullable Object> Mono<T> scopeBodyAt(
            @Nullable Duration when, BodyFunction<? super Timeout, T> body) {
        return scope(when, true, straightLine(body), true);
    }

    private static <T> Function<Timeout, Mono<? extends T>> reactive(
            Function<? super Timeout, ? extends Mono<? extends T>> body) {
        Objects.requireNonNull(body, "body");
        return timeout -> {
            try {
                return Objects.requireNonNull(
                        body.apply(timeout), "The body of the scope returned null instead of a Mono");
            } catch (Throwable e) {
                return Mono.error(e);
            }
        };
    }

    private static <T extends @Nullable Object> Function<Timeout, Mono<? extends T>> straightLine(
            BodyFunction<? super Timeout, T> body) {
        Objects.requireNonNull(body, "body");
        return timeout -> new Coroutine<>(() -> body.apply(timeout), body);
    }

    private static <T> Mono<T> scope(
            @Nullable Duration time,
            boolean absolute,
            Function<Timeout, Mono<? extends T>> body,
            boolean straightLine) {
        return new ScopeMono<>(Timeout.class, straightLine, () -> new Scope<>(time, absolute, body));
    }

    private static final class Scope<T> extends Steps<T> {
        private final @Nullable Duration time;
        private final boolean absolute;
        private final Function<Timeout, Mono<? extends T>> body;
        private @Nullable Timeout timeout;
        private @Nullable T value;

        Scope(@Nullable Duration time, boolean absolute, Function<Timeout, Mono<? extends T>> body) {
            this.time = time;
            this.absolute = absolute;
            this.body = body;
        }

        @Override
        Mono<?> begin(Task<?> task) {
            Timeout timeout = new Timeout(task, nanos(task.loop, time, absolute), null);
            this.timeout = timeout;
            return body.apply(timeout);
        }

        @Override
        @SuppressWarnings("unchecked") // the only wait is for the body
        @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
            Objects.requireNonNull(timeout).exit(error, absolute ? null : time);
            this.value = (T) value;
            return null;
        }

        @Override
        @Nullable T result() {
            return value;
        }
    }

    /** {@link Asyncio#waitFor}: the limit is around one Mono, and nobody else knows of it. */
    static final class WaitFor<T> extends Steps<T> {
        private final Mono<? extends T> mono;
        private final @Nullable Duration delay;
        private @Nullable Timeout timeout;
        /** What had no time and was cancelled for that; its end is waited for. */
        private @Nullable Future<T> ending;

        private @Nullable CancelledException cancelled;
        private @Nullable T value;

        WaitFor(Mono<? extends T> mono, @Nullable Duration delay) {
            this.mono = mono;
            this.delay = delay;
        }

        @Override
        Mono<?> begin(Task<?> task) {
            if (delay != null && (delay.isZero() || delay.isNegative())) {
                return outOfTime();
            }
            timeout = new Timeout(task, nanos(task.loop, delay, false), mono);
            return mono;
        }

        /** What is done has its say; what runs is cancelled and waited for; what has not begun never begins. */
        @SuppressWarnings("unchecked")
        private Mono<?> outOfTime() {
            ColdMono.adopt(mono);
            if (!(mono instanceof Future<?> future)) {
                return Mono.error(
                        timeoutException("after " + delay, new CancelledException("There was no time to begin")));
            }
            if (future.done()) {
                return future;
            }
            ending = (Future<T>) future;
            future.cancel();
            return Ended.of(future);
        }

        @Override
        @SuppressWarnings("unchecked")
        @Nullable Mono<?> next(@Nullable Object value, @Nullable Throwable error) throws Exception {
            Future<T> ending = this.ending;
            if (timeout != null) {
                timeout.exit(error, delay);
            } else if (ending != null) {
                return takeOutcome(ending, error);
            } else if (error != null) {
                throw Misuse.<Exception>sneaky(error);
            }
            this.value = (T) value;
            return null;
        }

        private @Nullable Mono<?> takeOutcome(Future<T> future, @Nullable Throwable error) throws Exception {
            if (error instanceof CancelledException e) {
                cancelled = e;
                if (!future.done()) {
                    return Ended.of(future);
                }
            } else if (error != null) {
                throw Misuse.<Exception>sneaky(error); // the loop is being closed
            }
            if (cancelled != null) {
                throw cancelled;
            }
            try {
                value = future.result();
            } catch (CancelledException e) {
                throw timeoutException("after " + delay, e);
            }
            return null;
        }

        @Override
        @Nullable T result() {
            return value;
        }
    }

    private static long nanos(EventLoop loop, @Nullable Duration time, boolean absolute) {
        return time == null ? NEVER : absolute ? EventLoop.saturatedNanos(time) : loop.deadline(time);
    }

    static TimeoutException timeoutException(String limit, @Nullable Throwable cause) {
        TimeoutException e = new TimeoutException("Timed out " + limit);
        e.initCause(cause);
        return e;
    }

    // ---- the timer; on the loop

    private void set() {
        if (when == NEVER) {
            return;
        }
        if (when <= task.loop.core.now()) {
            arm(); // what is due runs in the next tick, before what the scope is about to queue
        } else {
            unarmed = true;
            nextUnarmed = task.unarmed;
            task.unarmed = this;
        }
    }

    /** The task is about to suspend: the limits around it need their timers now. */
    static void armAll(Task<?> task) {
        for (Timeout timeout = task.unarmed; timeout != null; ) {
            Timeout next = timeout.nextUnarmed;
            timeout.nextUnarmed = null;
            timeout.unarmed = false;
            timeout.arm();
            timeout = next;
        }
        task.unarmed = null;
    }

    private void arm() {
        Alarm alarm = new Alarm(this);
        this.alarm = alarm;
        LoopCore core = task.loop.core;
        if (when <= core.now()) {
            core.enqueue(alarm);
        } else {
            alarm.entry = new TimerQueue.Entry(alarm, when);
            core.addTimer(alarm.entry);
        }
    }

    private void disarm() {
        Alarm alarm = this.alarm;
        if (alarm != null) {
            this.alarm = null;
            if (alarm.entry != null) {
                task.loop.core.removeTimer(alarm.entry);
            }
        } else if (unarmed) {
            unarmed = false;
            removeFromUnarmed();
        }
    }

    private void removeFromUnarmed() {
        Timeout before = null;
        for (Timeout timeout = task.unarmed; timeout != null; timeout = timeout.nextUnarmed) {
            if (timeout == this) {
                if (before == null) {
                    task.unarmed = nextUnarmed;
                } else {
                    before.nextUnarmed = nextUnarmed;
                }
                nextUnarmed = null;
                return;
            }
            before = timeout;
        }
    }

    private static final class Alarm extends Waiter {
        private final Timeout timeout;
        private TimerQueue.@Nullable Entry entry;

        Alarm(Timeout timeout) {
            this.timeout = timeout;
        }

        @Override
        public void run() {
            if (timeout.alarm == this) {
                timeout.alarm = null;
                timeout.expire();
            }
        }

        /** Nobody is left who could wait for it. */
        @Override
        void loopClosed() {}

        @Override
        boolean isInternal() {
            return true;
        }

        @Override
        EventLoop resumesOn() {
            return timeout.task.loop;
        }
    }

    private void expire() {
        if (awaited != null && task.hasComeBy(awaited)) {
            return;
        }
        state = State.EXPIRING;
        task.cancel();
    }

    /** @param delay what the limit was given as, if it was given so */
    private void exit(@Nullable Throwable error, @Nullable Duration delay) throws Exception {
        disarm();
        if (state == State.EXPIRING) {
            state = State.EXPIRED;
            if (task.uncancel() <= cancellingBefore && error != null) {
                String limit = delay == null || moved ? "at " + when() + " of the loop's clock" : "after " + delay;
                if (error instanceof CancelledException) {
                    throw timeoutException(limit, error);
                }
                TimeoutException context = timeoutException(limit, null); // asyncio's __context__
                error.addSuppressed(context);
                if (error instanceof ExceptionGroup group) {
                    group.exceptions().forEach(e -> e.addSuppressed(context));
                }
            }
        } else {
            state = State.FINISHED;
        }
        if (error != null) {
            throw Misuse.<Exception>sneaky(error);
        }
    }

    // ---- API

    /** When the time is out, on the loop's clock; null for no limit. */
    public @Nullable Duration when() {
        long when = this.when;
        return when == NEVER ? null : Duration.ofNanos(when);
    }

    /**
     * Moves the limit.
     *
     * @param when on the loop's clock; a time that has passed takes effect in the next tick; null for no limit
     * @throws IllegalStateException if the time is out or the scope has ended, or on another thread than the loop's
     */
    public void reschedule(@Nullable Duration when) {
        EventLoop loop = task.loop;
        if (!loop.core.inEventLoop()) {
            throw Misuse.wrongThread("reschedule", loop);
        }
        if (state != State.ACTIVE) {
            throw new IllegalStateException("Cannot change state of " + state + " Timeout: reschedule it before that");
        }
        disarm();
        moved = true;
        this.when = nanos(loop, when, true);
        if (this.when != NEVER) {
            arm();
        }
    }

    /** Whether the time was out before the scope ended. */
    public boolean expired() {
        return state == State.EXPIRING || state == State.EXPIRED;
    }

    /** {@code <Timeout [active] when=PT5S>}. */
    @Override
    public String toString() {
        return "<Timeout [" + state + "]" + (state == State.ACTIVE ? " when=" + when() : "") + ">";
    }
}
