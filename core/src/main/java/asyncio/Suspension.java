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
 * One subscriber of a Mono whose source keeps it waiting and then grants it a value, with an owner at every moment: the
 * source, until the subscriber goes on. For authors of sources: a lock's waiter, a queue's getter.
 *
 * <p>Whoever takes the state out of "waiting" has won: the source ({@link #grant}, {@link #fail}), the subscriber's
 * cancellation, or the deadline. The source calls {@code grant} or {@code fail}, usually under its monitor, and then,
 * having left the monitor, {@link #deliver} for those where it returned true.
 *
 * <p>A subscriber that was on a loop goes on in that loop's next tick, through its ready queue, whichever thread
 * grants; a task that awaits the Mono directly resumes there without a tick in between. Any other subscriber goes on on
 * the thread that grants, through a trampoline: never by recursion.
 *
 * <p>A grant that finds its subscriber cancelled before it could go on is given back ({@link #giveBack}).
 *
 * @param <T> the type of the value
 */
@SuppressWarnings("exports") // the superclasses have nothing for users
public abstract class Suspension<T> extends Wait implements AwaitedSubscription<T>, KeepingSubscription, Scannable {
    private static final VarHandle STATE;
    private static final int SUBSCRIBED = 0;
    private static final int WAITING = 1;
    /** The outcome is decided; the subscriber has not heard of it. */
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
    /** The queue that it is in; it may move to another one, and both may be asked to let it go. */
    @Nullable Object queue;

    private volatile int state;
    /** The value, a {@link Failure}, or null for empty; written by the one who settled. */
    private @Nullable Object outcome;
    /** A {@link Duration} that has not begun, then the timer. */
    private volatile @Nullable Object limit;
    /** Whether the task behind operators is still being cancelled. */
    private volatile @Nullable BooleanSupplier withheld;
    /** While a body begins to wait: its thread, on which an end needs no resumption. */
    private @Nullable Thread beginner;

    /**
     * Made when somebody subscribes, on that thread.
     *
     * @param limit how long it may wait from the request on; null for as long as it takes
     */
    protected Suspension(CoreSubscriber<? super T> actual, @Nullable Duration limit) {
        this(actual, limit, EventLoop.runningOrNull());
    }

    /**
     * Made on any thread.
     *
     * @param limit as above
     * @param loop where the subscriber goes on; null for wherever it is granted
     */
    protected Suspension(CoreSubscriber<? super T> actual, @Nullable Duration limit, @Nullable EventLoop loop) {
        super(actual instanceof BodyTask.AwaitSubscriber body ? body.task : null);
        this.actual = actual;
        this.limit = limit;
        this.loop = loop;
    }

    /** Whether a body waits on this itself, without a subscriber. */
    private boolean isWait() {
        return actual instanceof BodyTask.AwaitSubscriber;
    }

    // ---- for the source to implement

    /**
     * The subscriber wants its value: grants it if it is there, else joins those who wait, unless {@link #isWaiting()}
     * is false by then; under the source's monitor, which guards against a grant or a cancellation in between.
     *
     * @return true if it was granted (or failed) here; the subscriber then goes on at once
     */
    protected abstract boolean begin();

    /** It waits no longer, but not by the source's doing: takes it out of those who wait. */
    protected abstract void leave();

    /** Its target, for the message of a {@link TimedOutException}: {@code "a permit of ..."}. */
    protected abstract String target();

    /** It may name what is the user's, a key say, and the time would be out for ever. */
    private String targetText() {
        try {
            return target();
        } catch (RuntimeException | StackOverflowError e) {
            return getClass().getName() + " (whose target() failed: "
                    + e.getClass().getName() + ")";
        }
    }

    // ---- for the source to call

    /** Whether nobody has settled it. */
    protected final boolean isWaiting() {
        return state == WAITING;
    }

    /** Whether the subscriber was cancelled before it heard of an outcome. */
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

    /** Tells the subscriber what it was settled with; outside the source's monitor, on any thread. */
    public final void deliver() {
        disarm();
        if (isWait()) {
            turn();
            if (beginner == Thread.currentThread()) {
                beginner = null; // it has not suspended yet
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
     * Tells several, in order. An Error of one of them, which may run on this thread, keeps it from no other, and comes
     * out in the end.
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

    /** A task wants it to end; see {@link AwaitedSubscription#requestCancel}. */
    @Override
    public final boolean requestCancel(@Nullable String message) {
        return endEarly(CancelledException.of(loop, message));
    }

    /**
     * The subscriber's task was cancelled, or the time is out: by default settles it with that error, takes it out of
     * those who wait, and delivers. A source whose waiters must do something before they may end (re-acquire a lock)
     * overrides this.
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
            deliver(); // whatever the source throws, the one who waits is told
        }
        return true;
    }

    /**
     * The subscriber was cancelled after it had been settled, before it heard of it. By default a value is given back,
     * and an error goes to {@code Operators.onErrorDropped}.
     */
    protected void undelivered(@Nullable T value, @Nullable Throwable error) {
        if (error == null) {
            giveBack(value);
        } else if (!(error instanceof CancelledException)) {
            Operators.onErrorDropped(error, actual.currentContext());
        }
    }

    /** The subscriber's turn has come: it is about to be told, unless it was cancelled. By default does nothing. */
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

    /** The body begins to wait; false if it need not, since this was settled at once. On its thread. */
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
            beginner = Thread.currentThread();
            arm(duration);
            if (beginner == null) {
                return false;
            }
            beginner = null;
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
            Operators.onErrorDropped(e, actual.currentContext()); // a source that cannot be asked is left
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
        if (request != null) {
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

    /** Leaves the source, unless it has been granted: then the grant is on its way to {@link #loopClosed}. */
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

    /** The close of a loop ends its bodies itself: what was granted to one goes back. */
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
        withheld = cancelled; // looked at in the subscriber's turn, which comes before that of the task, or never
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
                } // if it was settled, run() finds out and gives back
                return;
            }
        }
    }

    /** The turn of the subscriber, or of the body. */
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
        BooleanSupplier withheld = this.withheld;
        if (error == null && withheld != null && withheld.getAsBoolean()) {
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
            } catch (Throwable e) { // an Error too: whoever delivers has nothing to do with it
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

    /** Runs something of the source's in the subscriber's turn. */
    protected final void later(Runnable action) {
        later(loop, action);
    }

    /**
     * Runs something in the turn of a subscriber that is not one of these: in its loop's next tick, or through the
     * trampoline.
     *
     * @param loop where it goes on; null for wherever it is told
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
            disarm(); // by a thread that did not see the timer
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

    // ---- for looking at

    /** The loop that the subscriber resumes on; null for wherever it is granted. */
    protected final @Nullable EventLoop loop() {
        return loop;
    }

    /** The one who waits. */
    protected final CoreSubscriber<? super T> actual() {
        return actual;
    }

    /**
     * Whether a body awaits it directly, which then has the value in its hands. With an operator or a task without a
     * body in between it may be dropped.
     */
    protected final boolean isAwaitedByBody() {
        return isWait() || actual instanceof Wait wait && wait.task.hasBody();
    }

    /** Whether a task awaits directly, which must be given one of these; others can do with less. */
    public static boolean isAwait(CoreSubscriber<?> actual) {
        return actual instanceof Wait || actual instanceof BodyTask.AwaitSubscriber;
    }

    /** The stack of the caller, in debug mode; otherwise null. */
    protected final @Nullable Throwable origin() {
        return EventLoop.origin(loop);
    }

    /** Names the subscriber and the source. */
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
