package asyncio;

import asyncio.internal.loop.PinnedException;
import asyncio.internal.loop.Seat;
import asyncio.internal.loop.Seated;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.Exceptions;
import reactor.core.Scannable;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

/**
 * A task with a straight-line body. The body has its own thread, which holds the loop while it runs; {@link #suspend}
 * passes the loop on (see {@link asyncio.internal.loop.LoopDriver}).
 */
final class BodyTask<T> extends Task<T> implements Seated {
    /**
     * The number of failing awaits allowed in finally blocks; after that an Error ends a body that catches exceptions
     * in a loop.
     */
    private static final int AWAITS_WHILE_UNWINDING = 100;

    /** More stack frames than passing the loop on takes. */
    private static final int STACK_PROBE = 32;

    private final Callable<? extends T> body;
    /** The thread of the body; null until it starts. Used by the owner of the loop only. */
    private @Nullable Seat seat;
    /** The wait that the body is suspended on; used by the owner of the loop only. */
    private @Nullable Wait waiting;
    /** The guard of the innermost open cancel scope; null if there is none. */
    private @Nullable AwaitGuard guard;
    /**
     * Set while the body's thread is inside a foreign Mono's {@code subscribe} or {@code cancel}: an await there comes
     * from an operator's lambda.
     */
    private boolean subscribing;
    /** Set by the loop's close: the body is being unwound and may not await any more. */
    private boolean unwinding;

    /** In debug mode: whether the current await has suspended. */
    private boolean suspended;

    private int awaitsWhileUnwinding;
    /** The subscriber of the suspensions that the body waits on itself; created for the first one. */
    private @Nullable AwaitSubscriber subscriber;
    /** The Mono of the {@link Suspension} that the body is suspended on, if any; for inspection. */
    private @Nullable Mono<?> awaitedMono;
    /** In debug mode: the stack of the await that threw the exception of a cancellation. */
    private List<StackTraceElement> cancelledAt = List.of();

    BodyTask(
            EventLoop loop,
            Mono<? extends T> source,
            Callable<? extends T> body,
            @Nullable String name,
            Context context) {
        super(loop, source, name, context);
        this.body = body;
        BodyKind.say();
    }

    @Override
    @Nullable Thread bodyThread() {
        Seat seat = this.seat;
        return seat == null ? null : seat.thread();
    }

    // ---- for the driver of the loop

    @Override
    Seated seated() {
        return this;
    }

    @Override
    public @Nullable Seat seat() {
        return seat;
    }

    @Override
    public void setSeat(@Nullable Seat seat) {
        this.seat = seat;
    }

    @Override
    public boolean mayBegin() {
        CancelledException request = takeRequest();
        if (request == null) {
            return true;
        }
        finishWith(request);
        return false;
    }

    @Override
    public boolean isWaitingFor(Runnable wait) {
        return waiting == wait;
    }

    @Override
    public void enter() {
        loop.enterTask(this);
        stepBegins();
    }

    @Override
    public void leave() {
        stepEnds();
        loop.enterTask(null);
    }

    @Override
    public void endWith(Throwable e) {
        if (!done()) {
            seat = null;
            finishWith(e);
        }
    }

    @Override
    void unwind(CancelledException closed) {
        if (seat == null) {
            super.unwind(closed);
        } else {
            unwinding = true;
            loop.driver.unwind(this);
        }
    }

    @Override
    @Nullable AwaitGuard guard() {
        return guard;
    }

    @Override
    void setGuard(@Nullable AwaitGuard guard) {
        this.guard = guard;
    }

    // ----

    @Override
    void start() {
        loop.driver.startBody(this);
    }

    /** Returns the task of the calling body. */
    static BodyTask<?> current(EventLoop loop) {
        return (BodyTask<?>) Objects.requireNonNull(loop.currentTask(), "a body");
    }

    @Override
    boolean resumesInternally() {
        return true;
    }

    @Override
    void resume(Wait wait) {
        if (isWaitingFor(wait)) {
            loop.driver.resumeBody(this);
        }
    }

    /** Returns an Error that must stop the loop, as asyncio's SystemExit does. */
    @Override
    public @Nullable Error runBody() {
        try {
            T result;
            // kept over all its awaits: meanwhile the thread runs no other code
            try (ThreadLocals.Scope locals = ThreadLocals.restore(getContext())) {
                result = call(body);
            }
            if (!cancelledAt.isEmpty() && cancelling() > 0) {
                swallowed("returned a result");
            }
            finishWith(result);
        } catch (Throwable e) {
            finishWith(Misuse.explain(e));
            if (Exceptions.isJvmFatal(e) && e instanceof Error fatal) {
                return fatal;
            }
        }
        return null;
    }

    /** Overflows here, before anything has changed, if there is not enough stack left to pass the loop on. */
    private static int probeStack(int depth) {
        return depth == 0 ? 0 : 1 + probeStack(depth - 1);
    }

    static <V> @Nullable V call(Callable<? extends V> body) throws Exception {
        V value = body.call();
        Misuse.checkNotPublisher(value);
        return value;
    }

    /** Implements {@link Asyncio#await}; on the body's thread. */
    <V> @Nullable V await(Mono<? extends V> mono) throws Exception {
        AwaitGuard guard = this.guard;
        if (guard != null && !subscribing && !unwinding) {
            guard.check(mono);
        }
        try {
            return loop.getDebug() ? awaitInDebugMode(mono) : awaitAny(mono);
        } catch (CancelledException e) {
            throw e.here();
        } catch (TimedOutException e) {
            throw e.here();
        }
    }

    private <V> @Nullable V awaitInDebugMode(Mono<? extends V> mono) throws Exception {
        List<StackTraceElement> here = DebugMode.callerFrames();
        if (here.equals(cancelledAt) && cancelling() > 0) {
            swallowed("awaits there again");
        }
        boolean othersHaveIt = mono instanceof Future<?> future && future.retrieved();
        suspended = false;
        try {
            return awaitAny(mono);
        } catch (CancelledException e) {
            if (cancelling() > 0) {
                cancelledAt = here;
            }
            throw e;
        } catch (TimedOutException e) {
            throw e; // which shows the await anyway
        } catch (Throwable e) {
            // the stack of the error is its producer's, unless it was thrown below here or is an old one
            if (mono instanceof Future<?> ? !othersHaveIt : suspended) {
                Suppressed.addOnce(e, new AwaitedHere(getName()));
            }
            throw e;
        }
    }

    /** The place where an error that was created by another thread or task was awaited. */
    private static final class AwaitedHere extends Throwable {
        private static final long serialVersionUID = 1L;

        AwaitedHere(String task) {
            super(task + " awaited it here");
        }

        /** Omits its class, which means nothing to users. */
        @Override
        @SuppressWarnings("OverrideThrowableToString")
        public String toString() {
            return String.valueOf(getMessage());
        }
    }

    /** Warns of a body that was cancelled and neither rethrew the exception nor took back the cancellation. */
    private void swallowed(String andThen) {
        Log.warn(
                getName() + " caught the CancelledException of its cancellation at " + cancelledAt.get(0) + " and "
                        + andThen
                        + ": it cannot be cancelled. A catch (Exception e) around an await must rethrow CancelledException; code that cancels its own task "
                        + "must call uncancel()",
                null);
        cancelledAt = List.of();
    }

    /** Awaits for this library itself, inside an await of the user's. */
    @SuppressWarnings("unchecked")
    <V> @Nullable V awaitAny(Mono<? extends V> mono) throws Exception {
        if (subscribing || unwinding) {
            ColdMono.adopt(mono);
        }
        if (subscribing) {
            throw Misuse.awaitInOperator();
        }
        if (unwinding) {
            String message = "Cannot await " + Log.text(mono) + ": the event loop of " + getName() + " is closed";
            if (++awaitsWhileUnwinding > AWAITS_WHILE_UNWINDING) {
                throw new Error(message + ", and the body still runs");
            }
            throw new IllegalStateException(message);
        }
        if (mono instanceof Future<?> future) {
            return awaitFuture((Future<V>) future);
        }
        return mono instanceof ColdMono<?> own ? ((ColdMono<V>) own).awaitedBy(this) : awaitMono(mono);
    }

    @SuppressWarnings("unchecked")
    <V> @Nullable V awaitMono(Mono<? extends V> mono) throws Exception {
        if (KnownMonos.is(mono)) {
            subscribing = true;
            try {
                return (V) KnownMonos.call(mono, getContext());
            } finally {
                subscribing = false;
            }
        }
        probeStack(STACK_PROBE);
        WaitSubscriber<V> wait = new WaitSubscriber<>(this, mono);
        boolean suspend;
        subscribing = true;
        try {
            suspend = wait.subscribe();
        } finally {
            subscribing = false;
        }
        CancelledException request = suspend ? suspend(wait) : null;
        for (Future<Void> rest; (rest = disposed(wait, request != null)) != null; ) {
            Wait joining = new Wait.Joining(wait, rest);
            CancelledException meanwhile = rest.addWaiter(joining) ? suspend(joining) : null;
            request = request == null ? meanwhile : request;
        }
        return wait.outcome(request);
    }

    /** Like {@link #cleanupOf}, on a body's stack, where an operator's lambda may not await. */
    private @Nullable Future<Void> disposed(Wait wait, boolean cancelled) {
        subscribing = true;
        try {
            return cleanupOf(wait, cancelled);
        } finally {
            subscribing = false;
        }
    }

    @Nullable Mono<?> awaitedMono() {
        return awaitedMono;
    }

    AwaitSubscriber subscriber() {
        AwaitSubscriber subscriber = this.subscriber;
        if (subscriber == null) {
            subscriber = new AwaitSubscriber(this);
            this.subscriber = subscriber;
        }
        return subscriber;
    }

    /** Waits on a new suspension, which is the wait itself. */
    <V> @Nullable V awaitSuspension(Mono<V> mono, Suspension<? extends V> suspension) throws Exception {
        probeStack(STACK_PROBE);
        awaitedMono = mono;
        CancelledException request = begins(suspension) ? suspend(suspension) : null;
        awaitedMono = null;
        subscribing = true; // a value that is given back may go to a user's hook
        try {
            return suspension.outcome(request);
        } finally {
            subscribing = false;
        }
    }

    private boolean begins(Suspension<?> suspension) {
        subscribing = true;
        try {
            return suspension.beginToWait();
        } finally {
            subscribing = false;
        }
    }

    /** Signals an item on the body's stack, where an operator's lambda may not await. */
    <V> void next(CoreSubscriber<? super V> subscriber, V item) {
        subscribing = true;
        try {
            subscriber.onNext(item);
        } finally {
            subscribing = false;
        }
    }

    <V> @Nullable V awaitFuture(Future<V> future) throws Exception {
        checkNotItself(future);
        if (future.done()) {
            return future.outcome();
        }
        probeStack(STACK_PROBE);
        Wait wait = new Wait.OnFuture(this, future);
        return future.addWaiter(wait) ? future.outcome(suspend(wait)) : future.outcome();
    }

    /** Lets everything that is ready run once. */
    void yieldOnce() {
        probeStack(STACK_PROBE);
        Wait wait = new Wait.OneTick(this);
        loop.core.enqueue(wait);
        CancelledException request = suspend(wait);
        if (request != null) {
            throw request;
        }
    }

    private @Nullable CancelledException suspend(Wait wait) {
        waiting = wait;
        suspended = true;
        suspendOn(wait);
        try {
            loop.driver.suspendBody(this, wait);
        } catch (PinnedException e) {
            letGo(wait, Misuse.awaitPinned());
        } catch (OutOfMemoryError | StackOverflowError e) {
            letGo(wait, e);
        }
        if (unwinding) {
            throw closedWhilePending();
        }
        wait.resumed();
        waiting = null;
        return wakeUp();
    }

    /** Handles a body that cannot be suspended: unless the wait has ended by now, abandons it and throws. */
    private void letGo(Wait wait, Throwable e) {
        if (!wait.hasEnded()) {
            wait.abandon();
            waiting = null;
            wakeUp();
            throw Misuse.<RuntimeException>sneaky(e);
        }
    }

    /**
     * The subscriber of a {@link Suspension} that a body waits on itself: it only has a context, and is never
     * signalled.
     */
    static final class AwaitSubscriber implements CoreSubscriber<Object>, Scannable {
        final BodyTask<?> task;

        AwaitSubscriber(BodyTask<?> task) {
            this.task = task;
        }

        @Override
        public Context currentContext() {
            return task.cleanups().context();
        }

        @Override
        public void onSubscribe(Subscription s) {
            throw told();
        }

        @Override
        public void onNext(Object value) {
            throw told();
        }

        @Override
        public void onError(Throwable error) {
            throw told();
        }

        @Override
        public void onComplete() {
            throw told();
        }

        private IllegalStateException told() {
            return new IllegalStateException("suspend(actual) of the Mono that " + task.getName()
                    + " awaits must pass actual to the Suspension that it returns, and signal nothing");
        }

        @Override
        @SuppressWarnings("rawtypes")
        public @Nullable Object scanUnsafe(Attr key) {
            return key == Attr.ACTUAL ? task : null;
        }

        @Override
        public String toString() {
            return task.toString();
        }
    }
}
