package asyncio;

import asyncio.internal.loop.LoopCore;
import asyncio.internal.loop.Seated;
import asyncio.internal.loop.TimerQueue;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.Disposable;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Operators;
import reactor.core.scheduler.Schedulers;

/**
 * A subscriber of a Mono that waits until its source grants it a value. The value has an owner at every moment: the
 * source, until the subscriber resumes. For authors of sources: a lock's waiter, a queue's getter.
 *
 * <p>The first to take the state out of "waiting" wins: the source ({@link #grant}, {@link #fail}), the subscriber's
 * cancellation, or the deadline. The source calls {@code grant} or {@code fail}, usually under its monitor, and then,
 * having left the monitor, {@link #deliver} on the suspensions for which it returned true.
 *
 * <p>A subscriber that was on a loop resumes in that loop's next tick, through its ready queue, regardless of which
 * thread grants; a task that awaits the Mono directly resumes there without a tick in between. Any other subscriber
 * resumes on the thread that grants, through a trampoline: never by recursion.
 *
 * <p>If the subscriber is cancelled after the grant but before it resumes, the value is given back ({@link #giveBack}).
 *
 * @param <T> the type of the value
 */
@SuppressWarnings("exports") // the superclasses declare nothing for users
public abstract class Suspension<T> extends Wait implements AwaitedSubscription<T>, KeepingSubscription, Scannable {
    private static final VarHandle STATE;
    private static final int SUBSCRIBED = 0;
    private static final int WAITING = 1;
    /** The outcome is decided; the subscriber has not been told. */
    private static final int SETTLED = 2;

    private static final int DELIVERED = 3;
    private static final int CANCELLED = 4;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Suspension.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private record Failure(Throwable error) {}

    private final CoreSubscriber<? super T> actual;
    private final @Nullable EventLoop loop;
    /** The queue it is in; it may move to another one, and both may be asked to remove it. */
    @Nullable Object queue;

    private volatile int state;
    /** The value, a {@link Failure}, or null for empty; written by the thread that settled it. */
    private @Nullable Object outcome;
    /** The {@link Duration} of the limit until the request, then the timer. */
    private volatile @Nullable Object limit;
    /**
     * For a body that begins to wait: its thread, on which a suspension that is settled needs no resumption. For a
     * subscriber: a {@link BooleanSupplier}, whether the task behind operators is still being cancelled.
     */
    private volatile @Nullable Object aside;

    /**
     * Makes a suspension at subscription, on the thread that subscribes.
     *
     * @param limit the longest time it may wait, from the request on; null for no limit
     */
    protected Suspension(CoreSubscriber<? super T> actual, @Nullable Duration limit) {
        this(actual, limit, EventLoop.runningOrNull());
    }

    /**
     * Makes a suspension on any thread.
     *
     * @param limit as above
     * @param loop the loop on which the subscriber resumes; null for the thread that grants
     */
    protected Suspension(CoreSubscriber<? super T> actual, @Nullable Duration limit, @Nullable EventLoop loop) {
        super(actual instanceof BodyTask.AwaitSubscriber body ? body.task : null);
        this.actual = actual;
        if (limit != null) { // a volatile write costs as much as a compare-and-set
            this.limit = limit;
        }
        this.loop = loop;
    }

    /** Returns whether a body waits on this directly, without a subscriber. */
    private boolean isWait() {
        return actual instanceof BodyTask.AwaitSubscriber;
    }

    // ---- for the source to implement

    /**
     * Called when the subscriber requests its value: grants it if it is available, otherwise joins the waiters, unless
     * {@link #isWaiting()} is false by then; under the source's monitor, which guards against a grant or a cancellation
     * in between.
     *
     * @return true if it was granted (or failed) here; the subscriber then continues at once
     */
    protected abstract boolean begin();

    /** Called when it stops waiting for another reason than the source: removes it from the waiters. */
    protected abstract void leave();

    /** Describes the target, for the message of a {@link TimedOutException}: {@code "a permit of ..."}. */
    protected abstract String target();

    /**
     * Returns the target, or a substitute if that throws, since it may print a user's object, such as a key, and the
     * timeout must not be lost.
     */
    private String targetText() {
        try {
            return target();
        } catch (RuntimeException | StackOverflowError e) {
            return getClass().getName() + " (whose target() failed: "
                    + e.getClass().getName() + ")";
        }
    }

    // ---- for the source to call

    /** Returns whether it has not been settled. */
    protected final boolean isWaiting() {
        return state == WAITING;
    }

    /** Returns whether the subscriber was cancelled before it was told of an outcome. */
    protected final boolean isCancelled() {
        return state == CANCELLED;
    }

    /** Settles it with a value, or null for empty; false if it is no longer waiting. Follow with {@link #deliver}. */
    protected final boolean grant(@Nullable T value) {
        return settle(value);
    }

    /** Settles it with an error; false if it is no longer waiting. Follow with {@link #deliver}. */
    protected final boolean fail(Throwable error) {
        return settle(new Failure(error));
    }

    private boolean settle(@Nullable Object outcome) {
        if (!STATE.compareAndSet(this, WAITING, SETTLED)) {
            return false;
        }
        this.outcome = outcome;
        return true;
    }

    /** Tells the subscriber the outcome; outside the source's monitor, on any thread. */
    public final void deliver() {
        disarm();
        if (isWait()) {
            turn();
            if (aside == Thread.currentThread()) {
                aside = null; // it has not suspended yet
            } else {
                resume();
            }
        } else if (actual instanceof Wait) {
            signal(); // the task itself goes to the ready queue
        } else {
            resume();
        }
    }

    /**
     * Delivers several suspensions, in order. If one of them, which may run on this thread, throws an Error, the others
     * are still delivered, and the Error is thrown at the end.
     */
    public static void deliverAll(Iterable<? extends Suspension<?>> settled) {
        Error first = null;
        for (Suspension<?> suspension : settled) {
            try {
                suspension.deliver();
            } catch (Error e) {
                first = first == null ? e : Suppressed.add(first, e);
            }
        }
        if (first != null) {
            throw first;
        }
    }

    /** Ends it for a task that was cancelled; see {@link AwaitedSubscription#requestCancel}. */
    @Override
    public final boolean requestCancel(@Nullable String message) {
        return endEarly(CancelledException.of(loop, message));
    }

    /**
     * Called when the subscriber's task was cancelled, or the time is up: by default settles it with that error,
     * removes it from the waiters, and delivers it. A source whose waiters have something to do before they may end
     * (re-acquire a lock) overrides this.
     *
     * @return false if it came too late
     */
    protected boolean endEarly(Throwable error) {
        STATE.compareAndSet(this, SUBSCRIBED, WAITING);
        if (!fail(error)) {
            return false;
        }
        try {
            leave();
        } finally {
            deliver(); // the waiter is told even if the source throws
        }
        return true;
    }

    /**
     * Called when the subscriber was cancelled after settlement and before delivery. By default a value is given back,
     * and an error goes to {@code Operators.onErrorDropped}.
     */
    protected void undelivered(@Nullable T value, @Nullable Throwable error) {
        if (error == null) {
            giveBack(value);
        } else if (!(error instanceof CancelledException)) {
            Operators.onErrorDropped(error, actual.currentContext());
        }
    }

    /**
     * Returns whether a granted value cannot be given back, since others have acted on it. A task that is cancelled
     * after the grant and before it resumes then resumes with the value, and its next await throws. By default false.
     */
    protected boolean isIrrevocable() {
        return false;
    }

    /**
     * Called in the subscriber's turn, when it is about to be told, unless it was cancelled. By default does nothing.
     */
    protected void turn() {}

    // ---- the subscriber's side

    @Override
    public final void request(long n) {
        if (!Operators.validate(n) || !STATE.compareAndSet(this, SUBSCRIBED, WAITING)) {
            return;
        }
        boolean now;
        try {
            now = begin();
        } catch (RuntimeException | Error e) {
            now = fail(e);
        }
        if (now) {
            signal();
        } else if (limit instanceof Duration duration) {
            arm(duration);
        }
    }

    // ---- the wait of a body

    /**
     * Called when the body begins to wait, on its thread; false if it need not wait, since this was settled at once.
     */
    final boolean beginToWait() {
        state = WAITING;
        boolean now;
        try {
            now = begin();
        } catch (RuntimeException | Error e) {
            now = fail(e);
        }
        if (now) {
            turn();
            return false;
        }
        if (limit instanceof Duration duration) {
            aside = Thread.currentThread();
            arm(duration);
            if (aside == null) {
                return false;
            }
            aside = null;
        }
        return true;
    }

    @Override
    boolean requestCancel(@Nullable String message, @Nullable CancelAll among) {
        if (state != WAITING) {
            return false;
        }
        try {
            return requestCancel(message);
        } catch (RuntimeException e) {
            Operators.onErrorDropped(e, actual.currentContext()); // a source that throws when asked is left as it is
            if (fail(CancelledException.of(loop, message))) {
                deliver();
                return true;
            }
            // this thread may have settled it before the source failed; another's outcome is not a cancellation here
            return outcome instanceof Failure failure && failure.error instanceof CancelledException;
        }
    }

    @Override
    @SuppressWarnings("unchecked")
    @Nullable T outcome(@Nullable CancelledException request) throws Exception {
        if (!STATE.compareAndSet(this, SETTLED, DELIVERED)) { // the loop is closed
            throw request == null ? CancelledException.of(loop, null) : request;
        }
        Object outcome = this.outcome;
        this.outcome = null;
        Throwable error = outcome instanceof Failure failure ? failure.error : null;
        if (error instanceof CancelledException first) {
            throw first; // a later request changes nothing
        }
        if (request != null && error == null && isIrrevocable()) {
            task.postpone(request);
        } else if (request != null) {
            if (error == null) {
                giveBack((T) outcome);
            } else {
                WaitSubscriber.carry(request, error);
            }
            throw request;
        }
        if (error != null) {
            throw Misuse.sneaky(error);
        }
        return take((T) outcome);
    }

    @Override
    boolean hasEnded() {
        return state >= SETTLED;
    }

    /** Leaves the source, unless it has been granted: the grant is then on its way to {@link #loopClosed}. */
    @Override
    void abandon() {
        if (STATE.compareAndSet(this, WAITING, CANCELLED)) {
            disarm();
            leave();
        }
    }

    @Override
    boolean isForeign() {
        return ForeignWork.is(this, task.loop.core) || ForeignWork.is(awaited(), task.loop.core);
    }

    @Override
    Object awaited() {
        Object awaited = ((BodyTask.AwaitSubscriber) actual).task.awaitedMono();
        return awaited == null ? this : awaited;
    }

    @Override
    @Nullable Object tells() {
        return isWait() ? super.tells() : actual;
    }

    @Override
    protected final @Nullable Seated resumes() {
        return isWait() ? super.resumes() : null;
    }

    @Override
    protected final boolean isInternal() {
        return isWait() && super.isInternal();
    }

    /** The close of a loop ends its bodies itself: a value granted to one is given back. */
    @Override
    @SuppressWarnings("unchecked")
    protected final void loopClosed() {
        if (!isWait()) {
            signal();
        } else if (STATE.compareAndSet(this, SETTLED, CANCELLED) && !(outcome instanceof Failure)) {
            giveBack((T) outcome);
        }
    }

    // ---- the subscriber's turn

    @Override
    public final void withhold(BooleanSupplier cancelled) {
        aside = cancelled; // read in the subscriber's turn, which comes before that of the task, or never
    }

    @Override
    public final void cancel() {
        for (; ; ) {
            int before = state;
            if (before >= DELIVERED) {
                return;
            }
            if (STATE.compareAndSet(this, before, CANCELLED)) {
                if (before == WAITING) {
                    disarm();
                    leave();
                } // if it was settled, run() notices and gives back
                return;
            }
        }
    }

    /** Takes the turn of the subscriber, or of the body. */
    @Override
    public final void run() {
        if (isWait()) {
            task.step(this);
        } else {
            signal();
        }
    }

    @SuppressWarnings("unchecked")
    private void signal() {
        turn();
        Object outcome = this.outcome;
        this.outcome = null;
        Throwable error = outcome instanceof Failure failure ? failure.error : null;
        T value = error == null ? (T) outcome : null;
        if (error == null
                && aside instanceof BooleanSupplier cancelled
                && cancelled.getAsBoolean()
                && !isIrrevocable()) {
            cancel();
        }
        if (!STATE.compareAndSet(this, SETTLED, DELIVERED)) {
            undelivered(value, error);
            return;
        }
        if (error != null) {
            actual.onError(error);
            return;
        }
        if (!(actual instanceof Wait)) { // a task takes it when it resumes
            try {
                value = take(value);
            } catch (Throwable e) { // an Error too: it does not concern the thread that delivers
                Exceptions.throwIfFatal(e);
                actual.onError(e);
                return;
            }
        }
        if (value != null) {
            actual.onNext(value);
        }
        actual.onComplete();
    }

    @Override
    final @Nullable CoreSubscriber<?> subscriber() {
        return isWait() ? null : actual;
    }

    @Override
    final @Nullable LoopCore resumesOn() {
        return EventLoop.coreOf(isWait() ? task.loop : loop);
    }

    /** Runs an action of the source in the subscriber's turn. */
    protected final void later(Runnable action) {
        later(loop, action);
    }

    /**
     * Runs an action in the turn of a subscriber that is not a suspension: in its loop's next tick, or through the
     * trampoline.
     *
     * @param loop the loop on which the subscriber resumes; null for the calling thread
     */
    public static void later(@Nullable EventLoop loop, Runnable action) {
        EventLoop.runOrHere(loop, action);
    }

    // ---- the deadline

    private void arm(Duration duration) {
        if (duration.isZero() || duration.isNegative()) {
            timeOut(duration);
            return;
        }
        EventLoop loop = this.loop;
        if (loop == null) {
            limit = Schedulers.parallel()
                    .schedule(() -> timeOut(duration), EventLoop.saturatedNanos(duration), TimeUnit.NANOSECONDS);
        } else {
            TimerQueue.Entry timer = new TimerQueue.Entry(new Deadline(this, duration), loop.deadline(duration));
            limit = timer;
            loop.core.addTimer(timer);
        }
        if (state != WAITING) {
            disarm(); // settled by a thread that did not see the timer
        }
    }

    private void timeOut(Duration duration) {
        endEarly(new TimedOutException("Timed out after " + duration + " waiting for " + targetText()));
    }

    private void disarm() {
        Object timer = limit;
        if (timer == null) {
            return;
        }
        if (timer instanceof Disposable scheduled) {
            scheduled.dispose();
        } else if (timer instanceof TimerQueue.Entry entry && loop != null) {
            loop.core.removeTimer(entry);
        }
    }

    /** The loop's timer. */
    private static final class Deadline extends Waiter {
        private final Suspension<?> suspension;
        private final Duration duration;

        Deadline(Suspension<?> suspension, Duration duration) {
            this.suspension = suspension;
            this.duration = duration;
        }

        @Override
        public void run() {
            suspension.timeOut(duration);
        }

        @Override
        @Nullable LoopCore resumesOn() {
            return EventLoop.coreOf(suspension.loop);
        }
    }

    // ---- for inspection

    /** Returns the loop on which the subscriber resumes; null for the thread that grants. */
    protected final @Nullable EventLoop loop() {
        return loop;
    }

    /** Returns the subscriber that waits. */
    protected final CoreSubscriber<? super T> actual() {
        return actual;
    }

    /**
     * Returns whether a body awaits it directly and so takes the value itself. An operator or a task without a body in
     * between may drop the value.
     */
    protected final boolean isAwaitedByBody() {
        return isWait() || actual instanceof Wait wait && wait.task.hasBody();
    }

    /**
     * Returns whether the subscriber is the await of a task, which must be given a suspension; other subscribers need
     * not be.
     */
    public static boolean isAwait(CoreSubscriber<?> actual) {
        return actual instanceof Wait || actual instanceof BodyTask.AwaitSubscriber;
    }

    /** Returns whether debug mode is on, for the running loop or, where none runs, for the process. */
    public static boolean debugs() {
        return EventLoop.debugs(EventLoop.runningOrNull());
    }

    /** Returns the caller's stack in debug mode, otherwise null. */
    protected final @Nullable Throwable origin() {
        return EventLoop.origin(loop);
    }

    /** Returns the names of the subscriber and the source. */
    @Override
    public String toString() {
        return "<" + Log.text(actual) + " waiting for " + targetText() + ">";
    }

    @Override
    @SuppressWarnings("rawtypes")
    public @Nullable Object scanUnsafe(Attr key) {
        if (key == Attr.ACTUAL) {
            return actual;
        }
        if (key == Attr.CANCELLED) {
            return state == CANCELLED;
        }
        if (key == Attr.TERMINATED) {
            return state == DELIVERED;
        }
        if (key == Attr.RUN_STYLE) {
            return loop == null ? Attr.RunStyle.SYNC : Attr.RunStyle.ASYNC;
        }
        return null;
    }
}
